// @module-tag long
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** docs/by-words.md, command by command. A code behind a command is that of the error with which it ends. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/by-words.md'), 'utf8');
const ALL = ['alpha', 'bravo', 'charlie', 'delta'];

let setup: Setup;
let words = '';
beforeAll(async () => {
  setup = await openSetup({ names: ALL });
  const flags = ['--for', 'bitcoin', '--quorum', '2of4', '--servers', ALL.join(), '--change-delay', '0'];
  await setup.json(['key', 'create', 'treasury', ...flags, '--yes']);
  for (const name of ['charlie', 'delta']) await setup.servers[name]!.stop();
}, 240_000);
afterAll(() => setup.close());

interface Step {
  readonly who: readonly string[];
  readonly lines: readonly { readonly args: readonly string[]; readonly code: string | null }[];
}

function steps(): Step[] {
  return PAGE.split(/^\d+\. /m).flatMap((text) => {
    const [, who] = /^\*\*(.+?)\*\*/.exec(text) ?? [];
    if (who === undefined) return [];
    const lines = [...text.matchAll(/^ *```\n([^]*?)^ *```$/gm)]
      .flatMap(([, block]) => block!.split('\n'))
      .filter((line) => line.trim() !== '')
      .map((line) => partsOf(line.trim()));
    return [{ who: (who.match(/[a-z]+/g) ?? []).filter((word) => ALL.includes(word)), lines }];
  });
}

function partsOf(line: string): Step['lines'][number] {
  const [typed = '', remark = ''] = line.split(/ {2,}/);
  const args = [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!).slice(1);
  return { args, code: /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(remark)?.[0] ?? null };
}

async function run(args: readonly string[], code: string | null): Promise<string> {
  const outcome = await callCkm([...args, '--json'], { environment: setup.environment });
  const ended = outcome.status === 0 ? null : errorOf(outcome).code;
  expect(ended, `ckm ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`).toBe(code);
  return outcome.stdout;
}

async function asOwner(args: readonly string[], code: string | null): Promise<void> {
  const isOrder = args[1] === 'requorum';
  if (args[0] === 'status') {
    // Two servers are down, which status says by its exit status where none answers alone.
    expect(await run(args, null)).toContain('"byWords":true');
    return;
  }
  const open = isOrder ? [] : await setup.json<{ id: string }[]>(['sessions', 'list', '--open']);
  const typed = args.map((word) => (word === 'ID' ? open[0]!.id : word));
  const sure = isOrder && !typed.includes('--preview') ? ['--key-name', 'treasury'] : ['--yes'];
  const said = await run([...typed, ...sure, '--timeout', '5'], code);
  if (!typed.includes('--preview')) return;
  const plan = JSON.parse(said) as { words: string };
  expect(plan).toMatchObject({ deciding: 2, byWords: { ever: 3, areHere: true } });
  ({ words } = plan);
}

async function asOperator(name: string, args: readonly string[]): Promise<void> {
  const folder = setup.folderOf(name);
  const waits = await setup.json<{ orderHash: string; sentence: string }[]>(['server', 'requests', folder]);
  expect(waits[0]!.sentence).toContain('By the words of its owner');
  const filled: Readonly<Record<string, string>> = {
    '/var/lib/ckm': folder,
    ID: waits[0]!.orderHash,
    'SIX WORDS': words,
  };
  await run([...args.map((word) => filled[word] ?? word), '--yes'], null);
}

test('docs/by-words.md: ordered, seen, gone on with, taken back, ordered again, refused', async () => {
  const all = steps();
  expect(all).toHaveLength(6);
  for (const { who, lines } of all) {
    for (const { args, code } of lines) {
      if (who.length === 0) await asOwner(args, code);
      else for (const name of who) await asOperator(name, args);
    }
  }
}, 240_000);

test('without --by-words the words have no part in it, and people are told what they do before they order', async () => {
  const line = 'key requorum treasury --quorum 2of2 --servers alpha,bravo';
  expect(await run([...line.split(' '), '--preview'], null)).toContain('"byWords":null');
  const file = setup.scratch.file('words', 'x');
  await run([...line.split(' '), '--from', file, '--preview'], 'OPTION_INVALID');
  const { stderr } = await callCkm([...line.split(' '), '--by-words', '--preview'], {
    environment: setup.environment,
  });
  for (const part of [
    '7 d after',
    'no device can order that',
    'any operator',
    'May fork',
    'lie on this machine',
  ])
    expect(stderr).toContain(part);
});
