import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Address, paymentFrom } from '../test/payment.js';
import type { Answer } from '../test/sit-and-run.js';
import { story, threeServers } from '../test/story.js';

/** What an owner sees who has keys and uses them: files, addresses, OpenSSH, paper. */
const open = threeServers();
const THREE = '--quorum 2of3 --servers alpha,bravo,charlie --yes';
/** What nobody can describe. */
const NOISE = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);

story('file-not-text', open, async ({ ckm, aside, folder }) => {
  await aside(`key create notes --for message ${THREE}`);
  writeFileSync(join(folder, 'report.pdf'), NOISE);
  await ckm('sign notes report.pdf --out report.sig', [/Ask for this signature\?/, 'y\r']);
  await ckm('verify report.sig report.pdf --key notes');
  await ckm('verify report.sig --message hello --key notes');
});

story('addresses', open, async ({ ckm, aside }) => {
  await aside(`key create treasury --for bitcoin ${THREE}`);
  await ckm('address treasury --preview');
  await ckm('address treasury');
  await ckm('address treasury');
  await ckm('address treasury --index 0');
  await ckm('key show treasury');
});

story('payments', open, async ({ ckm, aside, folder }) => {
  await aside(`key create treasury --for bitcoin ${THREE}`);
  const coin = await aside<Address>('address treasury');
  const change = await aside<Address>('address treasury --index 0 --change');
  writeFileSync(join(folder, 'payment.psbt'), paymentFrom([coin], change, 150_000n));
  // Its fee is 700 sats.
  writeFileSync(join(folder, 'dear.psbt'), paymentFrom([coin], change, 500n));
  await ckm('sign treasury --psbt payment.psbt --out signed.psbt', [/Ask for this signature\?/, 'y\r']);
  await ckm('sign treasury --psbt payment.psbt --preview');
  await ckm('sign treasury --psbt dear.psbt --yes --no-input');
  const typed = (name: string): Answer => [/Type treasury to\s/, `${name}\r`];
  await ckm('sign treasury --psbt dear.psbt --yes', typed('yes'));
  await ckm('sign treasury --psbt dear.psbt --yes --out dear.signed', typed('treasury'));
  await ckm('sign treasury --psbt dear.psbt --yes --quiet --accept-loss --out dear.again');
});

story('ssh-agent-refuses', open, async ({ ckm, aside, folder }) => {
  await aside(`key create strict --for ssh ${THREE}`);
  await ckm('ssh-agent --key nothing');
  const { value } = await aside<{ value: string }>('key show strict --public');
  writeFileSync(join(folder, 'strict.pub'), `${value}\n`);
  writeFileSync(join(folder, 'letter'), 'Dear Ben\n');
  const { raw } = await ckm('ssh-agent --key strict -- ssh-keygen -Y sign -n file -f strict.pub letter');
  expect(raw.replace(/\s+/g, ' ').match(/cannot be described/g)).toHaveLength(1);
});

story('seed-and-sheet', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE}`);
  await ckm('seed backup --out words.txt');
  await ckm('sheet --out sheet.txt');
  await ckm('seed restore --from words.txt --sheet sheet.txt');
  await ckm('seed restore --home new --from words.txt --sheet sheet.txt');
  await ckm('key fetch --home new --yes');
  await ckm('seed backup');
});

story('seed-in-shares', open, async ({ ckm, folder }) => {
  const written: string[][] = [];
  /** Reads the newest share off the screen, as onto paper, and the two words of it that are asked for. */
  const writeDown = async (seen: string) => {
    const table = seen.slice(seen.lastIndexOf('Share '), seen.lastIndexOf('ur:sskr'));
    const words: string[] = [];
    for (const [, number, word] of table.matchAll(/(\d+) ([a-z]{4})\b/g)) words[Number(number) - 1] = word!;
    written.push(words);
    const [, one, other] = /Words (\d+) and (\d+) of what you wrote down(?![^]*Words \d)/.exec(seen)!;
    return `${words[Number(one) - 1]!} ${words[Number(other) - 1]!}\r`;
  };
  await ckm('seed backup --format sskr --groups 2of3 --preview');
  // A question that was answered is shown once more: each answer waits for what stands before its question.
  await ckm(
    'seed backup --format sskr --groups 2of3',
    [/Share 1 of 3[^]*you wrote down/, writeDown],
    [/Share 2 of 3[^]*you wrote down/, writeDown],
    [/Share 3 of 3[^]*you wrote down/, writeDown],
  );
  const typed = (words: readonly string[]) => () => Promise.resolve(`${words.join(' ')}\r`);
  const [one, , three] = written as [string[], string[], string[]];
  await ckm(
    'seed verify',
    [/The 24 words/, typed(three)],
    [/is taken[^]*Not enough yet/, typed(three)],
    [/given already[^]*Not enough yet/, typed(one.with(9, one[9] === 'able' ? 'acid' : 'able'))],
    [/left out[^]*Not enough yet/, typed(one)],
  );
  await ckm('seed backup --format sskr --groups 2of2,2of3 --groups-needed 1 --out shares');
  await ckm('seed verify shares/group-1-share-1-of-2.txt shares/group-2-share-3-of-3.txt');
  await ckm(
    'seed restore --home new --from shares/group-2-share-1-of-3.txt --from shares/group-2-share-3-of-3.txt',
  );
  writeFileSync(join(folder, 'words.txt'), one.join(' '));
  await ckm('seed restore --home newer --from words.txt --from shares/group-1-share-1-of-2.txt');
});
