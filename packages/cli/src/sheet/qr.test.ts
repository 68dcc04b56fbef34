import { decodeQR } from 'qr/decode.js';
import { expect, test } from 'vitest';
import type { Terminal } from '../terminal/terminal.js';
import { createQr } from './qr.js';
import { showQr } from './show-qr.js';

/** Pixels of a module of the code, and what each half of a character of a terminal shows. */
const SIZE = 4;
const HALVES: Readonly<Record<string, readonly [upper: boolean, lower: boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
};

/** What a camera reads that looks at a dark terminal. */
function scan(shown: string): string {
  const lines = shown.split('\n').filter((line) => line !== '');
  const isLight = lines.flatMap((line) =>
    [0, 1].map((half) => Array.from(line).map((character) => HALVES[character]![half]!)),
  );
  const [width, height] = [isLight[0]!.length * SIZE, isLight.length * SIZE];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const tone = isLight[Math.floor(y / SIZE)]![Math.floor(x / SIZE)]! ? 255 : 0;
      data.fill(tone, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  return decodeQR({ width, height, data });
}

const xpub =
  'xpub661MyMwAqRbcGkZ9wppJMJazav8mRoYvGMGS1VXg6jCfX7Vwi3hyfRgPC2GQjFmoNLi1Kwf78DinwGD7vg4rJrzT7CbLCCCnepv8EPmTNkK';

test.each([
  ['an address', 'bitcoin:bc1pxwww0ct9ue7e8tdnlmug5m2tamfn7q06sahstg39ys4c9f3340qqxrdu9k'],
  ['a descriptor', `tr([deadbeef]${xpub}/<0;1>/*)#wk0syfxq`],
  [
    'an SSH key',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ2qXq2y0q6s7l5mZ0nXq2y0q6s7l5mZ0nXq2y0q6s7 ckm:laptop',
  ],
])('the QR code of %s is read by a camera as what it is, and fits 60 columns', async (_what, text) => {
  const shown = await createQr(text, 'ascii');
  expect(scan(shown)).toBe(text);
  expect(Math.max(...shown.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(60);
});

test('a QR code is not shown where the terminal would break it', async () => {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const terminal = { columns: 20, talk: say, warn: say } as unknown as Terminal;
  await showQr(terminal, 'bitcoin:bc1p');
  await showQr({ ...terminal, columns: 80 }, 'bitcoin:bc1p');
  expect(said[0]).toMatch(/^the QR code is \d\d columns wide/);
  expect(scan(said[1]!)).toBe('bitcoin:bc1p');
});
