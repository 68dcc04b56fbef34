import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { type Scratch, scratchFolder } from '../test/run-ckm.js';
import { type Answer, runOnTerminal, type Seen } from '../test/run-on-terminal.js';
import { type ServerProcess, startServerProcess } from '../test/run-server.js';

const README = readFileSync(join(import.meta.dirname, '../../../../README.md'), 'utf8');
const TOUR = /## A tour[^]*?\n## /.exec(README)![0];
const isHere = hasProgram('script', '--version');

/** Looked at (Tab), so that it is typed once. */
const PASSPHRASE = '\triver lamp seven onions';
/** Everything a person may be asked on the way, and what is typed then. */
const ANSWERS: readonly Answer[] = [
  [/Passphrase for the owner seed/, PASSPHRASE],
  [/seven onions/, '\r'],
  [/Words \d+ and \d+ of what you wrote down/, typeTheWords],
  [/Make this key\?/, 'y\r'],
  [/Does every operator see/, '\r'],
  [/Ask for this signature\?/, 'y\r'],
];

/** Reads them off the screen, as a person does off the paper. */
function typeTheWords(screen: string): string {
  const numbers = /Words (\d+) and (\d+) of what you wrote down/.exec(screen)!.slice(1);
  const table = screen.match(/^(?: *\d+ [a-z]+ *){4}$/gm)!.join('\n');
  const words = new Map(Array.from(table.matchAll(/(\d+) ([a-z]+)/g), ([, number, word]) => [number, word]));
  return `${numbers.map((number) => words.get(number)).join(' ')}\r`;
}

const IN_WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven'];

let scratch: Scratch;
const servers: ServerProcess[] = [];
/** As `ckm server init` prints them for owners. */
const added: string[] = [];

beforeAll(async () => {
  if (!isHere) return;
  scratch = scratchFolder();
  for (const name of ['alpha', 'bravo', 'charlie']) {
    const folder = join(scratch.path, name);
    const listen = `127.0.0.1:${await freePort()}`;
    const made = await callCkm([
      'server',
      'init',
      folder,
      '--name',
      name,
      '--listen',
      listen,
      '--accounts',
      'open',
    ]);
    added.push(/^ {2}ckm (server add .*)$/m.exec(made.stderr)![1]!);
    servers.push(await startServerProcess(folder));
  }
}, 60_000);
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  if (isHere) scratch.remove();
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => void probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The commands of the page, with those lines in the place of the one that adds a server. */
function tourCommands(): string[] {
  const typed = Array.from(TOUR.matchAll(/^\$ ckm (.*?)(?: {2,}.*)?$/gm), ([, line]) =>
    line!.replaceAll('"', ''),
  );
  return typed.flatMap((line) => (line.startsWith('server add') ? added : [line]));
}

test('makes its servers in folders of the clone that git passes over: their keys belong into no commit', () => {
  const ignored = readFileSync(join(import.meta.dirname, '../../../../.gitignore'), 'utf8').split('\n');
  const named = Array.from(TOUR.matchAll(/ckm server init (\S+) --name/g), ([, folder]) => folder!);
  expect(named).toEqual(['alpha']);
  expect(TOUR).toMatch(/the same for bravo\s+at \d+ and charlie at \d+/);
  for (const folder of [...named, 'bravo', 'charlie']) expect(ignored).toContain(`/${folder}/`);
});

/** Answered: whatever else the screen shows, each question ends with this mark once. */
const questionsOn = ({ screen }: Seen) => screen.match(/◇ {2}.*/g) ?? [];

describe.skipIf(!isHere)('the tour of the README, on a terminal (needs script)', () => {
  test('ends with a signature of one’s own, after seven questions at most and with the passphrase typed once', async () => {
    const environment = { CKM_HOME: join(scratch.path, 'home') };
    const commands = tourCommands();
    expect(commands.map((line) => line.split(' ')[0])).toEqual([
      'init',
      'server',
      'server',
      'server',
      'key',
      'sign',
      'status',
    ]);
    const seen: Seen[] = [];
    try {
      for (const line of commands) {
        const answers = ANSWERS.filter(([prompt]) => expectedBy(line, prompt));
        const outcome = await runOnTerminal(line.split(' '), answers, environment, 100);
        expect(outcome.status, outcome.screen).toBe(0);
        seen.push(outcome);
      }
    } finally {
      await callCkm(['lock'], { environment });
    }
    expect(seen[0]!.screen).toMatch(/unlocked until .* UTC \(in 30 min\): .*ckm lock/s);
    expect(seen[0]!.screen).toMatch(/They stay in this window until you clear it/);
    expect(seen.at(-2)!.screen).toMatch(/^[0-9a-f]{128}$/m);
    expect(seen.at(-1)!.screen).toMatch(/notes +message +2 of 3 +all 3 answer +1 server may fail/);
    const questions = seen.flatMap(questionsOn);
    expect(questions.length, questions.join('\n')).toBeLessThanOrEqual(7);
    expect(TOUR).toContain(`is asked ${IN_WORDS[questions.length]!} questions`);
    expect(questions.filter((question) => /passphrase/i.test(question))).toHaveLength(1);
  });
});

/** Which command asks what. */
function expectedBy(line: string, prompt: RegExp): boolean {
  if (line.startsWith('init')) return /Passphrase|onions|Words/.test(prompt.source);
  if (line.startsWith('key create')) return /Make|operator/.test(prompt.source);
  return line.startsWith('sign') && prompt.source.startsWith('Ask');
}
