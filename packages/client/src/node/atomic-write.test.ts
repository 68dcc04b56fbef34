import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { proveNew, proveReplaceable } from './atomic-write.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What stands in the folder whenever this process does something else: what a `kill -9` then would leave. */
async function seenDuring(work: Promise<void>): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const state = { isOver: false };
  const end = work.finally(() => (state.isOver = true));
  while (!state.isOver) {
    for (const name of readdirSync(folder)) seen.add(name);
    await setImmediate();
  }
  await end;
  return seen;
}

describe('a proof that a file can be written', () => {
  test.each([
    ['a new one', proveNew],
    ['one that may be replaced', proveReplaceable],
  ])('of %s shows no file at any moment: a kill -9 leaves none behind', async (_, prove) => {
    expect([...(await seenDuring(prove(join(folder, 'sig'))))]).toEqual([]);
  });

  test('touches nothing that is there', async () => {
    const path = join(folder, 'sig');
    writeFileSync(path, 'of somebody else');
    await expect(proveNew(path)).rejects.toMatchObject({ code: 'EEXIST' });
    await proveReplaceable(path);
    expect([readdirSync(folder), readFileSync(path, 'utf8')]).toEqual([['sig'], 'of somebody else']);
  });

  test('is none where the folder is missing', async () => {
    await expect(proveNew(join(folder, 'missing', 'sig'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
