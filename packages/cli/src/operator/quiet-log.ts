import type { Terminal } from '../terminal/terminal.js';

/** The level from which an operator without a log has to be told. Source: pino's numbers, 40 is `warn`. */
const WARN = 40;

/** Takes the server's log lines and tells a person those that matter; the rest is for `--log-json`. */
export function createQuietLog(terminal: Pick<Terminal, 'warn'>): { write(line: string): void } {
  return {
    write: (line) => {
      const entry = parseEntry(line);
      if (entry === null || entry.level < WARN) return;
      terminal.warn(`ckm: server: ${entry.text}${entry.code === '' ? '' : ` (${entry.code})`}`);
    },
  };
}

function parseEntry(
  line: string,
): { readonly level: number; readonly text: string; readonly code: string } | null {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof entry !== 'object' || entry === null) return null;
  const { level, msg, code } = entry as Readonly<Record<string, unknown>>;
  if (typeof level !== 'number' || typeof msg !== 'string') return null;
  return { level, text: msg, code: typeof code === 'string' ? code : '' };
}
