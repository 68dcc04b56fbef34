// @module-tag long
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptToText, seedToWords, wordsToSeed } from '@ckm/client';
import { openSeed } from '@ckm/client/node';
import { encodeHex, reveal, secret } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner, sealCheaply } from '../test/make-owner.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';
import { type Answer, sitAndRun } from '../test/sit-and-run.js';

/**
 * docs/share-servers.md, command by command, each in the folder of whom the step names. What a person would type when asked is given by flags.
 */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/share-servers.md'), 'utf8');
const SERVERS = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
const PASSPHRASE = 'river lamp seven onions';

let setup: Setup;
let proxies: Record<string, Proxy>;
/** Where the papers lie. */
let table: string;

beforeAll(async () => {
  // Each set of words is an account of its own.
  setup = await openSetup({ names: SERVERS, settings: { limits: { accountsPerAddressPerDay: 100 } } });
  proxies = Object.fromEntries(
    await Promise.all(
      SERVERS.map(async (name) => [name, await startProxy(setup.servers[name]!.url)] as const),
    ),
  );
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
}, 120_000);
afterAll(async () => {
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  await setup.close();
});

type Environment = Readonly<Record<string, string>>;

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}

const ckm = (environment: Environment, args: readonly string[]): Promise<Outcome> =>
  callCkm([...args, '--timeout', '5'], { environment, cwd: table });

async function json<T>(environment: Environment, ...args: readonly string[]): Promise<T> {
  const outcome = await ckm(environment, [...args, '--json']);
  if (outcome.status !== 0) throw new Error(`ckm ${args.join(' ')}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

const codeOf = async (environment: Environment, ...args: readonly string[]) =>
  errorOf(await ckm(environment, args)).code;
const paper = (name: string) => join(table, `${name}.words`);
const urlOf = (name: string) => proxies[name]!.url;

async function ownerAt(name: string, servers: readonly string[]): Promise<Environment> {
  const environment = homeOf(name);
  await makeOwner(environment, Object.fromEntries(servers.map((server) => [server, urlOf(server)])));
  return environment;
}

async function seedIn(environment: Environment): Promise<string> {
  const file = readFileSync(join(environment['CKM_HOME']!, 'seed'));
  return encodeHex(reveal(await openSeed(file, secret(PASSPHRASE)), 'comparing it in a test'));
}

interface FoundAt {
  readonly server: string;
  readonly outcome: string;
}
interface Found {
  readonly needed: number;
  readonly found: readonly FoundAt[];
}
const outcomes = (servers: readonly FoundAt[]) =>
  Object.fromEntries(servers.map(({ server, outcome }) => [server, outcome]));

describe('docs/share-servers.md: from the first share to a new machine', () => {
  let people: Readonly<Record<string, Environment>>;
  let present = 'first';

  beforeAll(async () => {
    const laptop = await ownerAt('laptop', SERVERS);
    const create = 'key create notes --for message --quorum 2of3 --servers alpha,bravo,charlie --yes';
    await json(laptop, ...create.split(' '));
    people = { Laptop: laptop, New: homeOf('new') };
  }, 60_000);

  /** What is typed besides what stands there. */
  function flagsFor([first, second]: readonly string[]): readonly string[] {
    if (first === 'sign' || first === 'server') return ['--yes'];
    if (first === 'key') return ['--name', 'notes', '--yes'];
    if (first !== 'csr' || second === 'list') return [];
    if (second === 'store') return ['--words-out', paper(present)];
    if (second === 'rotate') return ['--words-file', paper(present), '--words-out', paper('second')];
    return ['--words-file', paper(present), ...(second === 'delete' ? ['--yes'] : [])];
  }

  async function type(who: string, line: string): Promise<Outcome> {
    const [, ...words] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!);
    const typed = words.map((word) => (/^[A-Z]+$/.test(word) ? urlOf(word.toLowerCase()) : word));
    const outcome = await ckm(people[who]!, [...typed, ...flagsFor(typed), '--json']);
    if (typed[1] === 'recover' && outcome.status === 0) await sealCheaply(people[who]!);
    if (typed[1] === 'rotate') present = 'second';
    return outcome;
  }

  const cut = (name: string, isCut: boolean) => {
    proxies[name]!.target = isCut ? () => 'http://127.0.0.1:1' : () => setup.servers[name]!.url;
  };

  test('each step ends as the page says', async () => {
    const section = PAGE.split(/^## /m).find((text) => text.startsWith('From the first share'))!;
    const steps = section.split(/^\d+\. /m).slice(1);
    expect(steps.length).toBe(7);
    const said: Record<string, Outcome> = {};
    for (const step of steps) {
      const [, who] = /^\*\*(\w+):\*\*/.exec(step)!;
      const block = /^ *```\n([^]*?)^ *```$/m.exec(step)![1]!;
      for (const line of block
        .split('\n')
        .map((one) => one.trim())
        .filter((one) => one !== '')) {
        const isRecovery = line.startsWith('ckm csr recover');
        if (isRecovery) for (const name of ['alpha', 'bravo']) cut(name, true);
        const outcome = await type(who!, line);
        if (isRecovery) for (const name of ['alpha', 'bravo']) cut(name, false);
        expect({ line, status: outcome.status, stderr: outcome.status === 0 ? '' : outcome.stderr }).toEqual({
          line,
          status: 0,
          stderr: '',
        });
        said[line.split(' ').slice(1, 3).join(' ')] = outcome;
      }
    }
    expect(await seedIn(people['New']!)).toBe(await seedIn(people['Laptop']!));
    const recovered = JSON.parse(said['csr recover']!.stdout) as Found;
    expect(recovered.needed).toBe(3);
    expect(outcomes(recovered.found)).toMatchObject({ charlie: 'good', delta: 'good', echo: 'good' });
    const checked = JSON.parse(said['csr check']!.stdout) as Found;
    expect([checked.needed, outcomes(checked.found)]).toEqual([
      2,
      { alpha: 'good', bravo: 'good', charlie: 'good' },
    ]);
    const rotated = JSON.parse(said['csr rotate']!.stdout) as { stored: FoundAt[]; deleted: FoundAt[] };
    expect(outcomes(rotated.stored)).toEqual({ alpha: 'stored', bravo: 'stored', delta: 'stored' });
    expect(Object.values(outcomes(rotated.deleted))).toEqual(Array.from({ length: 5 }, () => 'deleted'));
    expect(await json(people['New']!, 'csr', 'list')).toEqual({ deposits: [] });
    for (const name of ['first', 'second'])
      expect(await codeOf(people['New']!, 'csr', 'check', '--words-file', paper(name))).toBe(
        'DEPOSIT_NOT_FOUND',
      );
    // The folder that it was stored from had them as well, and says that they are gone.
    expect(await codeOf(people['Laptop']!, 'csr', 'check', '--words-file', paper('first'))).toBe(
      'DEPOSIT_NOT_FOUND',
    );
  }, 120_000);

  test('a server that never comes is left out under new words, and one that is gone is waited for no longer', async () => {
    const laptop = people['Laptop']!;
    const rotate = (to: string, line: string) =>
      ckm(laptop, [
        'csr',
        'rotate',
        ...line.split(' '),
        '--json',
        '--words-file',
        paper('old'),
        ...(to === 'begun' ? [] : ['--words-out', paper(to)]),
      ]);
    await json(
      laptop,
      ...'csr store --anew --servers alpha,bravo,charlie --words-out'.split(' '),
      paper('old'),
    );
    cut('delta', true);
    const stuck = await rotate('stuck', '--servers alpha,bravo,delta');
    expect([stuck.status, errorOf(stuck).code]).toEqual([69, 'SERVERS_MISSING']);
    const turned = await rotate('begun', `--servers alpha,bravo,echo --new-words-file ${paper('stuck')}`);
    expect([turned.status, errorOf(turned).code]).toEqual([75, 'DEPOSIT_BEGUN']);
    cut('charlie', true);
    const commands = /^ckm csr (?:rotate|delete) .*--(?:anew|gone) .*$/gm;
    expect([...PAGE.matchAll(commands)].map(([line]) => line)).toEqual([
      'ckm csr rotate --servers alpha,bravo,delta --gone charlie',
      'ckm csr rotate --anew --servers alpha,bravo,echo',
      'ckm csr delete --gone delta',
    ]);
    const anew = await rotate('third', '--anew --servers alpha,bravo,echo --gone charlie');
    expect({ status: anew.status, stderr: anew.status === 0 ? '' : anew.stderr }).toEqual({
      status: 0,
      stderr: '',
    });
    const { deleted } = JSON.parse(anew.stdout) as { deleted: FoundAt[] };
    expect(outcomes(deleted)).toMatchObject({ alpha: 'deleted', bravo: 'deleted', charlie: 'gone' });
    const files = ['--words-file', paper('stuck'), '--yes'];
    const cleared = await json<{ deleted: FoundAt[] }>(laptop, 'csr', 'delete', '--gone', 'delta', ...files);
    expect(outcomes(cleared.deleted)).toMatchObject({ alpha: 'deleted', delta: 'gone' });
    for (const name of ['charlie', 'delta']) cut(name, false);
    await json(laptop, 'csr', 'check', '--words-file', paper('third'));
    await json(laptop, 'csr', 'delete', '--words-file', paper('third'), '--yes');
  }, 120_000);

  test('the words of the shares lie in no file of the folder, and what is said of them is on its paper alone', () => {
    const needles = ['first', 'second'].flatMap((name) => {
      const text = readFileSync(paper(name), 'utf8').trim();
      const bytes = reveal(wordsToSeed(secret(text)), 'searching for it');
      return [text, Buffer.from(bytes), encodeHex(bytes), Buffer.from(bytes).toString('base64')];
    });
    for (const who of Object.values(people)) {
      const home = who['CKM_HOME']!;
      const files = (readdirSync(home, { recursive: true }) as string[])
        .map((name) => join(home, name))
        .filter((path) => statSync(path).isFile());
      expect(files.length).toBeGreaterThan(5);
      for (const path of files)
        for (const needle of needles) expect(readFileSync(path).includes(needle), path).toBe(false);
    }
    expect(statSync(paper('first')).mode & 0o777).toBe(0o600);
  });
});

describe('other secrets', () => {
  let owner: Environment;
  beforeAll(async () => {
    owner = await ownerAt('others', SERVERS);
  });

  // Source: BlockchainCommons/bc-envelope-cli-rust, docs/SSKRExample.md; BCR-2020-011, a seed of 16 bytes in shares of two groups is in gordian’s tests.
  const DAN =
    'ur:seed/oxadgdhkwzdtfthptokigtvwnnjsqzcxknsktdaosezofptpbtlnlyjzkefmaxkpfyhsjpjecxgdkpjpjojzihcxfpjskphscxgsjlkoihaakskggsjljpihjncxinjojkkpjncxiejljzjljpcxjkinjycxhsjnihjydwcxiajljtjkihiajyihjykpjpcxhsieinjoinjkiainjtiocxihjzinjydwcxjkihiecxiejlcxihinkpjkjnjliecxjyihjnjojljpcxinjtiainieiniekpjtjycxkpjycxjzhsidjljpihcxihjycxiejljzjljpihcxjnhsiojthscxhsjzinjskphsdmluwmoxny';
  const DAN_BYTES = Uint8Array.from(Buffer.from('59f2293a5bce7d4de59e71b4207ac5d2', 'hex'));

  test('a seed of 16 bytes of another tool is shared out and comes back as words and as UR; no owner is made of it', async () => {
    const file = join(table, 'dan.seed');
    writeFileSync(file, `${DAN}\n`, { mode: 0o600 });
    const stored = await json<{ kind: string }>(
      owner,
      'csr',
      'store',
      '--from',
      file,
      '--words-out',
      paper('dan'),
    );
    expect(stored.kind).toBe('other');
    const from = ['csr', 'recover', urlOf('bravo'), '--words-file', paper('dan')];
    const out = join(table, 'dan.back');
    await json(homeOf('nobody'), ...from, '--out', out);
    expect(readFileSync(out, 'utf8').trim()).toBe(reveal(keptToText(secret(DAN_BYTES)), 'a test'));
    expect(readFileSync(out, 'utf8').trim().split(' ')).toHaveLength(12);
    await json(homeOf('nobody'), ...from, '--out', `${out}.ur`, '--format', 'ur');
    expect(await codeOf(homeOf('nobody'), ...from)).toBe('DEPOSIT_NO_OWNER');
    expect(existsSync(homeOf('nobody')['CKM_HOME']!)).toBe(false);
    // What came back is taken again, and is the same.
    const again = ['csr', 'upgrade', '--from', `${out}.ur`, '--words-file', paper('dan')];
    const upgraded = await ckm(owner, again);
    expect([upgraded.status, upgraded.stdout]).toEqual([
      0,
      expect.stringMatching(/any 3 of 5 bring it back, and any 2 of the first three, as before/),
    ]);
    const checked = await ckm(owner, ['csr', 'check', '--words-file', paper('dan')]);
    expect([checked.status, checked.stdout]).toEqual([
      0,
      expect.stringMatching(/any 3 of 5 bring it back, and any 2 of the first three\n/),
    ]);
    const { needed } = await json<Found>(owner, 'csr', 'check', '--words-file', paper('dan'));
    expect(needed).toBe(3);
    // Of those that are at five from the beginning no two are ever enough.
    const five = ['--from', `${out}.ur`, '--servers', SERVERS.join(',')];
    await json(owner, 'csr', 'store', ...five, '--words-out', paper('five'));
    const words = ['--words-file', paper('five')];
    for (const command of [['upgrade', '--from', `${out}.ur`], ['check']]) {
      const said = await ckm(owner, ['csr', ...command, ...words]);
      expect([said.status, said.stdout.split('\n')[0]]).toEqual([
        0,
        expect.stringMatching(/any 3 of 5 bring it back$/),
      ]);
    }
  }, 60_000);

  test('what is no secret is refused, in one line, and nothing is stored', async () => {
    const file = join(table, 'none');
    for (const [text, code] of [
      ['abandon '.repeat(13), 'SEED_WORDS_INVALID'],
      ['ur:seed/lalala', 'SEED_UR_INVALID'],
      ['ur:envelope/lalala', 'UR_INVALID'],
      ['ur:sskr/lalala', 'SSKR_SHARE_UNREADABLE'],
    ] as const) {
      writeFileSync(file, text);
      expect(await codeOf(owner, 'csr', 'store', '--from', file, '--words-out', paper('none'))).toBe(code);
    }
    expect(existsSync(paper('none'))).toBe(false);
  });
});

test('a check does not end well where a server is silent or has no share, and says what to do', async () => {
  const owner = await ownerAt('lacks', ['alpha', 'bravo', 'charlie']);
  proxies['charlie']!.target = () => 'http://127.0.0.1:1';
  expect((await ckm(owner, ['csr', 'store', '--words-out', paper('lacks')])).status).toBe(69);
  const check = ['csr', 'check', '--words-file', paper('lacks')];
  const silent = await ckm(owner, check);
  proxies['charlie']!.target = () => setup.servers['charlie']!.url;
  expect([silent.status, errorOf(silent).code]).toEqual([69, 'SERVERS_MISSING']);
  expect(silent.stdout).toMatch(/any 2 of 3 bring it back/);
  const none = await ckm(owner, check);
  expect([none.status, errorOf(none).code]).toEqual([75, 'DEPOSIT_UNFINISHED']);
  await json(owner, 'csr', 'store', '--words-file', paper('lacks'));
  expect((await ckm(owner, check)).status).toBe(0);
}, 60_000);

const hasScript = hasProgram('script', '--version');

describe.skipIf(!hasScript)('on a terminal (needs script)', () => {
  const shown = (seen: string) => {
    const words = [...seen.matchAll(/(\d+) ([a-z]+) /g)].filter(([, number]) => Number(number) <= 24);
    return words.toSorted(([, a], [, b]) => Number(a) - Number(b)).map(([, , word]) => word!);
  };
  const sit = (owner: Environment, args: readonly string[], answers: readonly Answer[]) =>
    sitAndRun('wide', args, { environment: owner, cwd: table, answers });

  test('the words of the shares are shown, and nothing is stored before they are typed once more', async () => {
    const owner = await ownerAt('sits', SERVERS);
    let words: readonly string[] = [];
    const seen = await sit(
      owner,
      ['csr', 'store'],
      [
        [
          /They stay in this window[^]*Type all 24 once more/,
          async (screen) => {
            words = shown(/no machine\.([^]*)They stay in/.exec(screen)![1]!);
            expect(await json(owner, 'csr', 'list')).toEqual({ deposits: [] });
            return `${'zoo '.repeat(23)}vote\r`;
          },
        ],
        [
          /other words than those that were shown: try again \(2 more\)[^]*Type all/,
          async () => `${words.join(' ')}\r`,
        ],
      ],
    );
    expect(words).toHaveLength(24);
    expect([seen.status, seen.raw]).toEqual([0, expect.stringMatching(/any 2 of 3 bring it back/)]);
    const checked = await sit(
      owner,
      ['csr', 'check'],
      [[/The 24 words of the shares/, `${words.join(' ')}\r`]],
    );
    expect([checked.status, checked.raw.includes(words.slice(0, 3).join(' '))]).toEqual([0, false]);
    const refused = await sit(
      owner,
      ['csr', 'delete'],
      [
        [/The 24 words of the shares/, `${words.join(' ')}\r`],
        [/Delete the shares/, 'n\r'],
      ],
    );
    expect(refused.status).toBe(75);
    const deleted = await sit(
      owner,
      ['csr', 'delete'],
      [
        [/The 24 words of the shares/, `${words.join(' ')}\r`],
        [/Delete the shares/, 'y\r'],
      ],
    );
    expect(deleted.status).toBe(0);
  }, 60_000);

  test('what was begun is gone on with under the words that it began with', async () => {
    const owner = await ownerAt('begun', ['alpha', 'bravo', 'charlie']);
    proxies['charlie']!.target = () => 'http://127.0.0.1:1';
    const begun = await ckm(owner, ['csr', 'store', '--words-out', paper('begun')]);
    proxies['charlie']!.target = () => setup.servers['charlie']!.url;
    expect([begun.status, begun.stdout]).toEqual([69, expect.stringMatching(/charlie +has NO share yet/)]);
    expect(await codeOf(owner, 'csr', 'store')).toBe('INPUT_NEEDED');
    const words = readFileSync(paper('begun'), 'utf8').trim();
    const seen = await sit(owner, ['csr', 'store'], [[/The 24 words of those shares/, `${words}\r`]]);
    expect([seen.status, seen.raw]).toEqual([0, expect.stringMatching(/bravo +had its share already/)]);
    expect(await codeOf(owner, 'csr', 'store', '--words-out', paper('again'))).toBe('DEPOSIT_EXISTS');
    await json(owner, 'csr', 'store', '--anew', '--words-out', paper('again'));
    for (const name of ['begun', 'again']) await json(owner, 'csr', 'check', '--words-file', paper(name));
  }, 60_000);

  test('a rotation that was begun asks again where the words of the old shares are typed for the new ones, and deletes none', async () => {
    const owner = await ownerAt('turns', ['alpha', 'bravo', 'charlie']);
    await json(owner, 'csr', 'store', '--words-out', paper('turns'));
    const rotate = ['csr', 'rotate', '--words-file', paper('turns')];
    expect(await codeOf(owner, ...rotate, '--new-words-file', paper('turns'))).toBe('DEPOSIT_WORDS_SAME');
    proxies['charlie']!.target = () => 'http://127.0.0.1:1';
    const begun = await ckm(owner, [...rotate, '--words-out', paper('turned')]);
    proxies['charlie']!.target = () => setup.servers['charlie']!.url;
    expect(begun.status).toBe(69);
    const [old, fresh] = ['turns', 'turned'].map((name) => readFileSync(paper(name), 'utf8').trim());
    const seen = await sit(
      owner,
      ['csr', 'rotate'],
      [
        [/The 24 words of the old shares/, `${old!}\r`],
        [/The 24 words of the new shares, which were begun/, `${old!}\r`],
        [/not the words of the shares that were begun: try again[^]*which were begun/, `${fresh!}\r`],
      ],
    );
    expect([seen.status, seen.raw]).toEqual([0, expect.stringMatching(/rotated: any 2 of 3 bring it back/)]);
    const checked = await json<Found>(owner, 'csr', 'check', '--words-file', paper('turned'));
    expect(outcomes(checked.found)).toEqual({ alpha: 'good', bravo: 'good', charlie: 'good' });
    expect(await codeOf(owner, 'csr', 'check', '--words-file', paper('turns'))).toBe('DEPOSIT_NOT_FOUND');
  }, 60_000);
});

describe('what is typed wrong', () => {
  test('costs nobody anything', async () => {
    const owner = await ownerAt('wrong', ['alpha', 'bravo']);
    expect(await codeOf(owner, 'csr', 'store', '--words-out', paper('wrong'))).toBe('DEPOSIT_SERVERS');
    expect(existsSync(paper('wrong'))).toBe(false);
    expect(await codeOf(owner, 'csr', 'store', '--servers', 'alpha,,bravo')).toBe('OPTION_INVALID');
    expect(await codeOf(owner, 'csr', 'store', '--servers', 'alpha,bravo,zulu')).toBe('SERVER_UNKNOWN');
    expect(await codeOf(owner, 'csr', 'store', '--invite-file', 'alpha')).toBe('OPTION_INVALID');
    const full = await ownerAt('full', SERVERS);
    expect(await codeOf(full, 'csr', 'store')).toBe('INPUT_NEEDED');
    expect(await json(full, 'csr', 'list')).toEqual({ deposits: [] });
    const words = paper('words-of-owner');
    await json(full, 'seed', 'backup', '--out', words);
    expect(await codeOf(full, 'csr', 'store', '--words-file', words)).toBe('DEPOSIT_WORDS_OWNER');
    expect(await codeOf(full, 'csr', 'check', '--words-file', words)).toBe('DEPOSIT_WORDS_OWNER');
    writeFileSync(paper('any'), reveal(seedToWords(secret(new Uint8Array(32).fill(3))), 'a test'));
    expect(await codeOf(full, 'csr', 'check', '--words-file', paper('any'))).toBe('DEPOSIT_NOT_FOUND');
    expect(await codeOf(full, 'csr', 'upgrade', '--words-file', paper('any'))).toBe('DEPOSIT_UNKNOWN');
    expect(await codeOf(full, 'csr', 'delete', '--words-file', paper('any'), '--yes')).toBe(
      'DEPOSIT_NOT_FOUND',
    );
    expect(await codeOf(full, 'csr', 'recover', urlOf('alpha'), '--words-file', paper('any'))).toBe(
      'SEED_EXISTS',
    );
    expect(await codeOf(homeOf('gone'), 'csr', 'recover', urlOf('alpha'), '--words-file', paper('any'))).toBe(
      'DEPOSIT_NOT_FOUND',
    );
    expect(
      await codeOf(homeOf('gone'), 'csr', 'recover', 'http://127.0.0.1:1', '--words-file', paper('any')),
    ).toBe('SERVER_UNREACHABLE');
  }, 60_000);
});
