import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from './call-ckm.js';
import { makeOwner } from './make-owner.js';
import { BEGUN, ENDED, masked, unbroken, wordsIn } from './masked.js';
import { hasProgram } from './programs.js';
import { type Proxy, startProxy } from './proxy.js';
import { openSetup, type Setup } from './run-server.js';
import { type Answer, type Seen, sitAndRun, type TerminalName, TERMINALS } from './sit-and-run.js';

/** Whoever plays a story on one terminal: an owner of their own, at the servers of all. */
export interface Player {
  readonly terminal: TerminalName;
  /** A folder of this player's own, in which commands run. */
  readonly folder: string;
  /** What makes `ckm` this owner's. */
  readonly environment: Readonly<Record<string, string>>;
  /** Types a command, and answers what it asks. What is seen goes into the transcript. */
  ckm(line: string, ...answers: readonly Answer[]): Promise<Seen>;
  /** The same for what is not part of the story, without a terminal; what it said in JSON. */
  aside<T>(line: string): Promise<T>;
  /** What is typed to choose the n-th of several, counted from 1, where the first is marked. */
  pick(n: number): string;
  /** What stands between this player and each server, by its name; there only in stories that want it. */
  readonly proxies: Readonly<Record<string, Proxy>>;
  /** A text that is another one each time, and what stands in its place in the transcript. */
  hide(text: string, name: string): void;
}

export interface StoryOptions {
  /** The story begins without an owner seed; else there is one, and the three servers are added. */
  readonly isNew?: true;
  /** Something stands between the player and the servers, and does to messages what the story wants. */
  readonly hasProxies?: true;
  /** The passphrase is typed when it is asked for; else it comes out of a file. */
  readonly isTyping?: true;
}

const SCREENS = join(import.meta.dirname, '../transcripts/screens');
const NAMES: readonly TerminalName[] = ['wide', 'narrow', 'dumb'];
const PASSPHRASE = 'river lamp seven onions';
const COLOURED = /\u001b\[[0-9;]*m/;

/** Three servers, for all stories of a file. @returns them, once tests run */
export function threeServers(): () => Setup {
  let setup: Setup;
  beforeAll(async () => {
    setup = await openSetup();
  }, 60_000);
  afterAll(() => setup.close());
  return () => setup;
}

/**
 * A story that is played on each sort of terminal. On the wide one its screens are those on file (`screens/NAME.txt`); on the
 * narrow one the same words are said, and none of them is broken; a dumb one gets not one sequence, and where a person is asked
 * something, it has screens of its own (`screens/NAME.dumb.txt`).
 */
export function story(
  name: string,
  setup: () => Setup,
  play: (player: Player) => Promise<void>,
  options: StoryOptions = {},
): void {
  describe.skipIf(!hasProgram('script', '--version'))(`${name} (needs script)`, () => {
    const plays = (terminal: TerminalName) => async () => {
      const { transcript, isAsked } = await playOn(terminal, name, setup(), play, options);
      const path = join(SCREENS, `${name}${terminal === 'dumb' && isAsked ? '.dumb' : ''}.txt`);
      if (terminal === 'wide' || (terminal === 'dumb' && isAsked)) await expectOnFile(transcript, path);
      else expect(wordsIn(transcript)).toEqual(wordsIn(onTerminal(terminal, readFileSync(path, 'utf8'))));
    };
    for (const terminal of NAMES) {
      const tags = terminal === 'wide' ? [] : ['long'];
      test(`on a ${terminal} terminal`, { tags }, plays(terminal));
    }
  });
}

/** What is seen to end on a wide terminal is seen to begin on a dumb one, where no line changes. */
function onTerminal(terminal: TerminalName, screens: string): string {
  return terminal === 'dumb' ? screens.replaceAll(ENDED, BEGUN) : screens;
}

/**
 * The six words of a likeness are longer or shorter each time, so that a line behind them is broken elsewhere or not at all:
 * that alone is no other screen.
 */
async function expectOnFile(transcript: string, path: string): Promise<void> {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (unbroken(before) !== unbroken(transcript)) await expect(transcript).toMatchFileSnapshot(path);
}

async function playOn(
  terminal: TerminalName,
  name: string,
  { scratch, servers }: Setup,
  play: (player: Player) => Promise<void>,
  { isNew, isTyping, hasProxies }: StoryOptions,
): Promise<{ readonly transcript: string; readonly isAsked: boolean }> {
  const folder = join(scratch.path, `${name}-${terminal}`);
  mkdirSync(folder);
  const passphraseFile = scratch.file(`${name}-${terminal}/passphrase`, `${PASSPHRASE}\n`);
  const made = { CKM_HOME: join(folder, 'home'), CKM_PASSPHRASE_FILE: passphraseFile };
  const environment = isTyping === true ? { CKM_HOME: made.CKM_HOME } : made;
  const proxies = hasProxies === true ? await proxiesTo(servers) : {};
  const urls = Object.fromEntries(
    Object.entries(servers).map(([server, { url }]) => [server, (proxies[server] ?? { url }).url]),
  );
  const hidden: (readonly [string, string])[] = [
    [folder, '/home/alice'],
    [scratch.path, '/srv'],
    ...Object.entries(urls).map(([server, url]) => [url, exampleOf(server)] as const),
  ];
  let [text, isAsked] = ['', false];
  if (isNew !== true) await makeOwner(made, urls);
  await play({
    terminal,
    folder,
    environment,
    proxies,
    pick: (n) => (terminal === 'dumb' ? `${n}\r` : `${'\u001b[B'.repeat(n - 1)}\r`),
    aside: async <T>(line: string) => {
      const args = [...wordsOf(withUrls(line, urls)), '--json'];
      const outcome = await callCkm(args, { environment: made, cwd: folder });
      if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
      return JSON.parse(outcome.stdout) as T;
    },
    hide: (what, as) => hidden.unshift([what, as]),
    ckm: async (line, ...answers) => {
      const seen = await sitAndRun(terminal, wordsOf(withUrls(line, urls)), {
        environment,
        cwd: folder,
        answers,
      });
      assertManners(terminal, seen);
      isAsked ||= answers.length > 0;
      const end = seen.status === 0 ? '' : `[exit status ${seen.status}]\n`;
      text += `$ ckm ${line}\n${seen.lines.join('\n').trimEnd()}\n${end}\n`;
      return seen;
    },
  });
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  return { transcript: masked(text, hidden), isAsked };
}

/** What holds for everything that anybody sees. */
function assertManners(terminal: TerminalName, { raw, broken }: Seen): void {
  expect(broken).toEqual([]);
  if (terminal === 'dumb') expect(raw).not.toContain('\u001b');
  if ('NO_COLOR' in TERMINALS[terminal].environment) expect(raw).not.toMatch(COLOURED);
}

/** A command line as a shell would take it apart, as far as stories need that. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
}

async function proxiesTo(servers: Setup['servers']): Promise<Readonly<Record<string, Proxy>>> {
  const started = Object.entries(servers).map(
    async ([name, { url }]) => [name, await startProxy(url)] as const,
  );
  return Object.fromEntries(await Promise.all(started));
}

function exampleOf(server: string): string {
  return `https://${server}.example`;
}

/** A command with the true addresses of the servers in the place of those that the transcript shows. */
function withUrls(line: string, urls: Readonly<Record<string, string>>): string {
  return Object.entries(urls).reduce((so, [server, url]) => so.replaceAll(exampleOf(server), url), line);
}
