// @module-tag long
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const DEMO = join(import.meta.dirname, '../../../scripts/demo.mjs');
/** Less than a minute on a quiet machine; the whole long lane runs beside it. */
const MOST_MS = 900_000;
const folder = mkdtempSync(join(tmpdir(), 'ckm-demo-test-'));
const here = join(folder, 'here');
const scratch = join(folder, 'scratch');
/** What it says in each act, by its title. */
let acts: ReadonlyMap<string, string>;
let ended: { readonly status: number | null; readonly said: string };

/** As whoever has just cloned this runs it: in a folder with nothing in it, with a home of that folder. */
function play(): Promise<typeof ended> {
  const env = { ...process.env, HOME: here, TMPDIR: scratch, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    // A group of its own: where it is cut off, the servers that it started end with it.
    const child = spawn(process.execPath, [DEMO], { cwd: here, env, detached: true });
    const cutOff = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), MOST_MS);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(cutOff);
      resolve({ status, said });
    });
  });
}

beforeAll(async () => {
  for (const each of [here, scratch]) mkdirSync(each);
  ended = await play();
  const parts = ended.said.split(/^\d+\. (.*)$/m).slice(1);
  acts = new Map(parts.flatMap((title, i) => (i % 2 === 0 ? [[title, parts[i + 1]!]] : [])));
}, MOST_MS + 10_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const actThat = (does: RegExp) => [...acts].find(([title]) => does.test(title))?.[1] ?? '';
const signed = (text: string) => text.match(/BIP-340 signature valid/g)?.length ?? 0;

test('the demo plays to its end, and leaves nothing behind', () => {
  expect(ended).toMatchObject({ status: 0, said: expect.stringContaining('What you saw') as string });
  expect(acts.size).toBeGreaterThanOrEqual(14);
  expect([here, scratch].flatMap((each) => readdirSync(each))).toEqual([]);
});

test('2 of 3 become 3 of 5 in it, while coins of the same address are paid before, during and after', () => {
  const before = actThat(/orders treasury to become 3 of 5/);
  expect(signed(before)).toBe(2);
  const [, ordered = ''] = before.split('nothing changes before every operator has typed six words');
  expect(ordered).toMatch(/\n +[a-z]+(-[a-z]+){5}\n/);
  expect(signed(ordered)).toBe(1);
  const after = actThat(/Five operators type the words/);
  expect(after).toContain('treasury is in epoch 1');
  for (const name of ['alpha', 'bravo', 'charlie']) expect(after).toContain(`${name} says it has ✓`);
  expect(after).toMatch(/the address is still bc1p[a-z0-9]{58}\n/);
  expect(signed(after)).toBe(1);
  const [, by = ''] = /signed by (.*)/.exec(after) ?? [];
  const signers = by.split(' and ');
  expect(signers).toHaveLength(3);
  expect(['bravo', 'charlie', 'delta', 'echo']).toEqual(expect.arrayContaining(signers));
  expect(ended.said).toMatch(
    /treasury, 2 of 3 to 3 of 5 +same address; a coin of it paid before, during and after/,
  );
});

test('an owner whose laptop is lost removes it from another machine, and goes on with the same key', () => {
  const before = actThat(/lets the machine in her drawer in/);
  expect(before).toContain('this folder is the device travel-laptop');
  const lost = actThat(/The laptop is lost/);
  expect(lost).toMatch(/travel-laptop is removed: known at alpha, bravo, charlie, delta, echo\n/);
  expect(lost).toMatch(
    /whoever has it is told: too few servers can sign, 3 are needed: .*does not know you any more/,
  );
  expect(signed(lost)).toBe(1);
});

test('every operator’s audit log holds in the end', () => {
  const logs = actThat(/audit log is complete/);
  for (const name of ['alpha', 'bravo', 'charlie', 'delta', 'echo'])
    expect(logs).toMatch(new RegExp(`${name}: the audit log holds: \\d+ entries`));
});
