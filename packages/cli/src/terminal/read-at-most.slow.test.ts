import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { runCkm, type Scratch, scratchFolder } from '../test/run-ckm.js';
import { readAtMost } from './read-at-most.js';

let scratch: Scratch;
beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

describe('reading at most so many bytes', () => {
  test('of a device that never ends gives that many', async () => {
    expect(await readAtMost('/dev/zero', 100_000)).toEqual(new Uint8Array(100_000));
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 200_000])(
    'of a file of %i bytes gives all of it',
    async (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
      expect(await readAtMost(scratch.file('some', bytes), 200_000)).toEqual(bytes);
    },
  );

  test.skipIf(!hasProgram('mkfifo', '--version'))(
    'of a pipe gives all that is written (needs mkfifo)',
    async () => {
      const pipe = join(scratch.path, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const bytes = Uint8Array.from({ length: 150_000 }, (_, i) => i % 249);
      const [read] = await Promise.all([readAtMost(pipe, 200_000), writeFile(pipe, bytes)]);
      expect(read).toEqual(bytes);
    },
  );

  test('of stdin: what is longer than a passphrase may be is refused, and what fits counts up to its first line', async () => {
    const init = (home: string) => ['init', '--home', join(scratch.path, home), '--passphrase-file', '-'];
    const long = await runCkm(init('long'), { stdin: 'a'.repeat(100_000) });
    expect([long.status, long.stderr]).toEqual([65, expect.stringContaining('longer than 4096 bytes')]);
    const fits = await runCkm(init('fits'), { stdin: `river lamp seven onions\n${'b'.repeat(100_000)}` });
    expect(fits.status).toBe(0);
  });
});
