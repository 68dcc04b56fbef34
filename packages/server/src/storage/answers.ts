import type { Storage } from './storage.js';

const LIMIT_MS = 1_000;
const KEEP_MS = 1_000;

/**
 * Whether a database answers. Asked as often as anybody likes: one question is under way at a time, and its answer serves
 * for a second.
 * @param limitMs after which no answer is a no
 */
export function createStorageAnswers(
  storage: Pick<Storage, 'read'>,
  { limitMs = LIMIT_MS, keepMs = KEEP_MS } = {},
): () => Promise<boolean> {
  let last: { readonly at: number; readonly answers: boolean } | null = null;
  let asking: Promise<boolean> | null = null;

  async function ask(): Promise<boolean> {
    try {
      await storage.read(({ meta }) => meta.find(''));
      return true;
    } catch {
      return false;
    }
  }

  return async () => {
    if (last !== null && performance.now() - last.at < keepMs) return last.answers;
    asking ??= ask().finally(() => (asking = null));
    const answers = await withinLimit(asking, limitMs);
    last = { at: performance.now(), answers };
    return answers;
  };
}

async function withinLimit(answer: Promise<boolean>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
