// @module-tag long
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type AuthenticatorApp, authenticatorApp } from '../test/authenticator-app.js';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { createMovedClock } from '../test/moved-clock.js';
import { asPattern, sectionOf, type StoryLine, storySteps, wordsOf } from '../test/page-stories.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup } from '../test/run-server.js';

/** docs/people.md, command by command, each in the folder of whom the step names; what a person would type when asked is given by flags. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/people.md'), 'utf8');
/** A story is some thirty commands, on a machine that may have other work. */
const PATIENCE = 900_000;
const SIX_WORDS = /\b[a-z]+(?:-[a-z]+){5}\b/g;

const opened: Story[] = [];

afterAll(async () => {
  await Promise.all(opened.map((story) => story.close()));
});

type Environment = Readonly<Record<string, string>>;

/** Who takes part in one story, and the files that they hand to each other. */
interface Story {
  readonly table: string;
  json<T>(who: string, line: string): Promise<T>;
  /** Follows the page up to its end. `before`: what happens before the first command that begins like that. */
  follow(before?: Readonly<Record<string, () => unknown>>): Promise<void>;
  close(): Promise<void>;
}

/** @param owner who has a seed and an account at three servers. @param friends who have a seed */
async function open(title: string, owner: string, ...friends: readonly string[]): Promise<Story> {
  const section = sectionOf(PAGE, title);
  const clock = createMovedClock();
  const setup = await openSetup({ clock });
  const table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  for (const [, name, terms] of section.matchAll(/`(\w+\.json)`[^`]*\n```json\n([^]*?)^```$/gm))
    writeFileSync(join(table, name!), terms!);
  const slug = (who: string) => who.toLowerCase().replaceAll(/\W+/g, '-');
  const homeOf = (who: string): Environment =>
    who === owner
      ? setup.environment
      : { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'people', slug(who)) };
  mkdirSync(join(setup.scratch.path, 'people'));
  for (const friend of friends) await makeOwner(homeOf(friend));
  /** The six words that were shown with a file, by its name. */
  const words = new Map<string, string>();
  let app: AuthenticatorApp | null = null;
  /** What the operator was to note. */
  let noted: string | undefined;

  const ckm = (who: string, args: readonly string[]): Promise<Outcome> =>
    callCkm([...args, '--timeout', '30'], {
      environment: homeOf(who),
      cwd: table,
      aheadMs: clock.aheadMs(),
    });

  async function json<T>(who: string, line: string): Promise<T> {
    const outcome = await ckm(who, [...wordsOf(`ckm ${line}`), '--json']);
    if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
    return JSON.parse(outcome.stdout) as T;
  }

  /** What stands on the page for something that is another thing each time. */
  async function filledIn(who: string, args: readonly string[]): Promise<string[]> {
    const server = /^Operator of (\w+)$/.exec(who)?.[1];
    const filled = args.map(async (word, at) => {
      const url = /^https:\/\/(\w+)\.example$/.exec(word)?.[1];
      if (url !== undefined) return setup.servers[url]!.url;
      if (word === 'ID') return firstWaiting(who);
      if (word === '/var/lib/ckm') return setup.folderOf(server!);
      if (args[at - 1] === '--app') return app!.name;
      return args[at - 1] === '--account' ? noted! : word;
    });
    return Promise.all(filled);
  }

  async function firstWaiting(who: string): Promise<string> {
    const { matters } = await json<{ matters: readonly { id: string }[] }>(who, 'approver list');
    return matters[0]!.id;
  }

  /** What is typed besides what stands there. */
  function flagsFor(args: readonly string[]): readonly string[] {
    const [first, second] = args;
    const compared = args.find((one) => words.has(one));
    const isCompared = compared !== undefined && /^(add|join|recover)$/.test(second!);
    const isMade = args.some((one) => /^--(offer|request)-out$/.test(one)) || first === 'account';
    const likeness = isCompared && !isMade ? ['--likeness', words.get(compared)!] : [];
    if (first === 'seed' && second === 'backup') return ['--out', 'words'];
    if (first === 'seed' && second === 'forget') return ['--from', 'words', '--yes'];
    const wantsCode = args.includes('--app') || (second === 'verify' && args.includes('totp'));
    return [...(wantsCode ? ['--code-file', codeFile()] : []), ...likeness, '--yes'];
  }

  function codeFile(): string {
    writeFileSync(join(table, 'code'), app!.code());
    return 'code';
  }

  async function type(who: string, { typed, code }: StoryLine): Promise<string> {
    const named = typed.replaceAll('NAME', who.toLowerCase());
    const args = await filledIn(who, wordsOf(named));
    const outcome = await ckm(who, [...args, ...flagsFor(args)]);
    const ended = outcome.status === 0 ? null : errorOf(outcome).code;
    const said = `${outcome.stdout}${outcome.stderr}`;
    expect(ended, `${who}: ${named}: ${said}`).toBe(code);
    for (const [at, word] of args.entries())
      if (/^--(out|offer-out|welcome-out|request-out)$/.test(word))
        words.set(args[at + 1]!, said.match(SIX_WORDS)?.at(-1) ?? '');
    noted = /of your account there: ([0-9a-f]{8})$/m.exec(said)?.[1] ?? noted;
    const uri = /otpauth:\S+/.exec(said)?.[0];
    if (uri !== undefined) app = authenticatorApp(uri, /\b[0-9a-z]{12}\b/.exec(said)![0], clock.now);
    return said;
  }

  const story: Story = {
    table,
    json,
    close: () => setup.close(),
    follow: async (before = {}) => {
      const events = new Map(Object.entries(before));
      for (const { who, lines, shown, days } of storySteps(section)) {
        let screen = '';
        for (const name of who)
          for (const line of lines) {
            const due = [...events.keys()].find((start) => line.typed.startsWith(start));
            await events.get(due ?? '')?.();
            events.delete(due ?? '');
            screen += await type(name, line);
          }
        for (const one of shown) expect(screen).toMatch(asPattern(one));
        await clock.pass(days);
      }
      expect([...events.keys()]).toEqual([]);
    },
  };
  opened.push(story);
  return story;
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

  test(
    'A lost laptop',
    async () => {
      const story = await open('A lost laptop', 'Laptop');
      const pay = () => payments(story, 'Laptop', 'savings', { rent: 150_000n, theft: 350_000n });
      await story.follow({ 'ckm seed backup': pay });
      expect(existsSync(join(story.table, 'rent.signed'))).toBe(true);
    },
    PATIENCE,
  );

  test(
    'Everything is lost',
    async () => {
      const story = await open('Everything is lost', 'Noor', 'Tom');
      const pay = () => payments(story, 'Noor', 'savings', { rent: 150_000n });
      await story.follow({ 'ckm contact set': pay });
      expect(existsSync(join(story.table, 'rent.signed'))).toBe(true);
    },
    PATIENCE,
  );

  test(
    'An inheritance',
    async () => {
      const story = await open('An inheritance', 'Otto');
      const pay = () => payments(story, 'Otto', 'savings', { flat: 350_000n });
      await story.follow({ 'ckm alive': pay });
      expect(existsSync(join(story.table, 'flat.signed'))).toBe(true);
    },
    PATIENCE,
  );
});
