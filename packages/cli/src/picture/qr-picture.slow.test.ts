import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createUrCollector, encodeData, formatUr } from '@ckm/gordian';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasPython, PYTHON } from '../test/judges/find-judges.js';
import { type Scratch, scratchFolder } from '../test/scratch.js';
import { formatQrPicture } from './qr-picture.js';
import { readCarried } from './read-carried.js';

const JUDGE = join(import.meta.dirname, '../test/judges/qr.py');

let scratch: Scratch;

beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

test.skipIf(!hasPython('zxingcpp', 'PIL'))(
  'a picture is read by another reader of QR codes out of one code, and out of several in turn (needs CKM_JUDGES)',
  async () => {
    for (const bytes of [20, 300, 700, 2_000]) {
      const cbor = encodeData(new Uint8Array(randomBytes(bytes)));
      const ur = formatUr({ type: 'bytes', cbor });
      const picture = scratch.file(`${bytes}.png`, await formatQrPicture(ur));
      const seen = JSON.parse(execFileSync(PYTHON, [JUDGE, picture], { encoding: 'utf8' })) as string[];
      expect(seen.length).toBe(bytes < 330 ? 1 : Math.ceil(cbor.length / 160));
      const collector = createUrCollector();
      for (const code of seen) collector.add(code);
      expect(formatUr(collector.result()!)).toBe(ur);
      // What such a reader has taken down, a line for each, in whatever order.
      const taken = scratch.file(`${bytes}.txt`, seen.toReversed().join('\r\n'));
      expect(await readCarried(taken, 20_000, 'name the right file')).toBe(ur);
    }
  },
);
