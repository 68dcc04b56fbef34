// @module-tag long
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import {
  asPattern,
  sectionOf,
  type StoryLine,
  type StoryStep,
  storySteps,
  wordsOf,
} from '../test/page-stories.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** docs/people.md, command by command, each in the folder of whom the step names; what a person would type when asked is given by flags. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/people.md'), 'utf8');
const SERVERS = ['alpha', 'bravo', 'charlie'];
/** A story is some thirty commands, on a machine that may have other work. */
const PATIENCE = 300_000;
const SIX_WORDS = /\b[a-z]+(?:-[a-z]+){5}\b/g;

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
}, 120_000);
afterAll(() => setup.close());

type Environment = Readonly<Record<string, string>>;

/** Who takes part in one story, and the files that they hand to each other. */
interface Story {
  readonly steps: readonly StoryStep[];
  readonly table: string;
  homeOf(who: string): Environment;
  json<T>(who: string, line: string): Promise<T>;
  /** Follows the page up to its end. `before`: what happens before the first command that begins like that. */
  follow(before?: Readonly<Record<string, () => unknown>>): Promise<void>;
}

/** @param owner who has the seed and the three servers */
async function open(title: string, owner: string): Promise<Story> {
  const section = sectionOf(PAGE, title);
  const folder = join(setup.scratch.path, title.toLowerCase().replaceAll(/\W+/g, '-'));
  const table = join(folder, 'table');
  mkdirSync(table, { recursive: true });
  for (const [, name, terms] of section.matchAll(/`(\w+\.json)`[^`]*\n```json\n([^]*?)^```$/gm))
    writeFileSync(join(table, name!), terms!);
  const homeOf = (who: string): Environment => ({
    ...setup.environment,
    CKM_HOME: join(folder, who.toLowerCase().replaceAll(/\W+/g, '-')),
  });
  await makeOwner(homeOf(owner), Object.fromEntries(SERVERS.map((name) => [name, setup.servers[name]!.url])));
  /** The six words that were shown with a file, by its name. */
  const words = new Map<string, string>();

  const ckm = (who: string, args: readonly string[]): Promise<Outcome> =>
    callCkm([...args, '--timeout', '30'], { environment: homeOf(who), cwd: table });

  async function json<T>(who: string, line: string): Promise<T> {
    const outcome = await ckm(who, [...wordsOf(`ckm ${line}`), '--json']);
    if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
    return JSON.parse(outcome.stdout) as T;
  }

  /** What is typed besides what stands there. */
  function flagsFor(args: readonly string[]): readonly string[] {
    const [first, second] = args;
    const compared = args.find((one) => words.has(one));
    const isCompared = compared !== undefined && /^(add|join|vouch|recover)$/.test(second!);
    const likeness = isCompared && !args.includes('--offer-out') ? ['--likeness', words.get(compared)!] : [];
    if (first === 'seed' && second === 'backup') return ['--out', 'words'];
    if (first === 'seed' && second === 'forget') return ['--from', 'words', '--yes'];
    return [...(first === 'sign' ? ['--wait', '1s'] : []), ...likeness, '--yes'];
  }

  async function type(who: string, { typed, code }: StoryLine): Promise<string> {
    const named = typed.replaceAll('NAME', who.toLowerCase());
    const args = await Promise.all(
      wordsOf(named).map(async (word) => (word === 'ID' ? firstWaiting(who) : word)),
    );
    const outcome = await ckm(who, [...args, ...flagsFor(args)]);
    const ended = outcome.status === 0 ? null : errorOf(outcome).code;
    const said = `${outcome.stdout}${outcome.stderr}`;
    expect(ended, `${who}: ${named}: ${said}`).toBe(code);
    for (const [at, word] of args.entries())
      if (/^--(out|offer-out|welcome-out|request-out)$/.test(word))
        words.set(args[at + 1]!, said.match(SIX_WORDS)?.at(-1) ?? '');
    return said;
  }

  async function firstWaiting(who: string): Promise<string> {
    const { matters } = await json<{ matters: readonly { id: string }[] }>(who, 'approver list');
    return matters[0]!.id;
  }

  return {
    steps: storySteps(section),
    table,
    homeOf,
    json,
    follow: async (before = {}) => {
      const events = new Map(Object.entries(before));
      for (const { who, lines, shown } of storySteps(section)) {
        let screen = '';
        for (const name of who)
          for (const line of lines) {
            const due = [...events.keys()].find((start) => line.typed.startsWith(start));
            await events.get(due ?? '')?.();
            events.delete(due ?? '');
            screen += await type(name, line);
          }
        for (const one of shown) expect(screen).toMatch(asPattern(one));
      }
      expect([...events.keys()]).toEqual([]);
    },
  };
}

/** Payments out of as many coins of the key as they need, as files. */
async function payments(
  { json, table }: Story,
  who: string,
  key: string,
  files: Readonly<Record<string, bigint>>,
): Promise<void> {
  const coin = await json<Address>(who, `address ${key} --index 0`);
  const change = await json<Address>(who, `address ${key} --index 0 --change`);
  for (const [name, sats] of Object.entries(files)) {
    const coins = Array.from({ length: Math.ceil(Number(sats + 1_000n) / 400_000) }, () => coin);
    writeFileSync(join(table, `${name}.psbt`), paymentFrom(coins, change, sats));
  }
}

describe('docs/people.md', () => {
  test(
    'A couple',
    async () => {
      const story = await open('A couple', 'Ada');
      const pay = () => payments(story, 'Ada', 'savings', { small: 100_000n, large: 300_000n });
      await story.follow({ 'ckm seed backup': pay });
      for (const name of ['small', 'large'])
        expect(existsSync(join(story.table, `${name}.signed`))).toBe(true);
    },
    PATIENCE,
  );

  test(
    'A firm of five',
    async () => {
      const story = await open('A firm of five', 'Office');
      const pay = () => payments(story, 'Office', 'treasury', { small: 800_000n, large: 1_500_000n });
      await story.follow({ 'ckm terms show': pay });
      for (const name of ['small', 'large'])
        expect(existsSync(join(story.table, `${name}.signed`))).toBe(true);
    },
    PATIENCE,
  );
});
