// @module-tag long
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { draftDevice, identityForServer, makeDeviceOffer } from '@ckm/client';
import { openSeed } from '@ckm/client/node';
import { encodeHex, reveal, secret } from '@ckm/foundation';
import { startServer } from '@ckm/server';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner, sealDeviceCheaply } from '../test/make-owner.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { CKM, errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/**
 * docs/devices.md, command by command, each in the folder of whom the step names; and what must hold when files are wrong or a process dies between two steps.
 * What a person would type when asked is given by flags.
 */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/devices.md'), 'utf8');
const SERVERS = ['alpha', 'bravo', 'charlie'];
const PASSPHRASE = 'river lamp seven onions';

let setup: Setup;
let proxies: Proxy[];
/** Where files lie that go from one device to the other. */
let table: string;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

type Environment = Readonly<Record<string, string>>;

interface Likeness {
  readonly words: string;
}
interface ShownDevice {
  readonly name: string | null;
  readonly isThis: boolean;
  readonly may: readonly string[];
  readonly at: readonly { readonly server: string }[];
}
interface ShownDevices {
  readonly devices: readonly ShownDevice[];
  readonly areWordsHere: boolean;
  readonly silent: readonly { readonly server: string; readonly code: string }[];
  readonly unsent: readonly { readonly server: string; readonly text: string }[];
}

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}

const ckm = (environment: Environment, args: readonly string[]) =>
  callCkm([...args, '--timeout', '5'], { environment, cwd: table });

async function json<T>(environment: Environment, ...args: readonly string[]): Promise<T> {
  const outcome = await ckm(environment, [...args, '--json']);
  if (outcome.status !== 0) throw new Error(`ckm ${args.join(' ')}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

const codeOf = async (environment: Environment, ...args: readonly string[]) =>
  errorOf(await ckm(environment, args)).code;

const devicesOf = (environment: Environment) => json<ShownDevices>(environment, 'device', 'list');

/** An owner whose words lie there, with a key, and the words on a file. */
async function ownerWithKey(
  name: string,
): Promise<{ readonly environment: Environment; readonly words: string }> {
  const environment = homeOf(name);
  await makeOwner(environment, Object.fromEntries(SERVERS.map((server, i) => [server, proxies[i]!.url])));
  const words = join(table, `${name}.words`);
  await json(environment, 'seed', 'backup', '--out', words);
  const create = 'key create notes --for message --quorum 2of3 --servers alpha,bravo,charlie --yes';
  await json(environment, ...create.split(' '));
  return { environment, words };
}

/** Charlie is off, as when its machine has no power. @returns what brings it back, at another port, behind the same address */
async function turnOff(): Promise<() => Promise<void>> {
  await setup.servers['charlie']!.stop();
  return async () => {
    const server = await startServer({
      dataDir: setup.folderOf('charlie'),
      variables: { CKM_ALLOW_INSPECT: '1' },
      logDestination: { write: () => undefined },
    });
    (setup.servers as Record<string, unknown>)['charlie'] = { url: server.url, stop: () => server.close() };
    proxies[2]!.target = () => server.url;
  };
}

describe('docs/devices.md: a laptop and a phone', () => {
  let people: Readonly<Record<string, Environment>>;
  let words: string;
  let seedBefore: Uint8Array;
  const likeness = { offer: '', welcome: '' };

  beforeAll(async () => {
    const owner = await ownerWithKey('laptop');
    words = owner.words;
    seedBefore = readFileSync(join(owner.environment['CKM_HOME']!, 'seed'));
    people = { Laptop: owner.environment, Phone: homeOf('phone') };
  }, 60_000);

  /** What is typed besides what stands there. */
  function flagsFor([first, second, third]: readonly string[]): readonly string[] {
    if (first === 'seed') return ['--from', words, '--yes'];
    if (second === 'remove') return ['--from', words, '--yes'];
    if (first === 'sign') return ['--yes'];
    if (second === 'add') return ['--likeness', likeness.offer];
    return third === '--welcome' ? ['--likeness', likeness.welcome] : [];
  }

  async function type(who: string, line: string): Promise<Outcome> {
    const [, ...typed] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!);
    const outcome = await ckm(people[who]!, [...typed, ...flagsFor(typed), '--json']);
    if (typed[2] === '--name' && typed[1] === 'join') likeness.offer = likenessIn(outcome).words;
    if (typed[1] === 'add') likeness.welcome = welcomeIn(outcome).words;
    return outcome;
  }

  const likenessIn = ({ stdout }: Outcome) => (JSON.parse(stdout) as { likeness: Likeness }).likeness;
  const welcomeIn = ({ stdout }: Outcome) =>
    (JSON.parse(stdout) as { likeness: { welcome: Likeness } }).likeness.welcome;

  test('each step ends as the page says; a server that is off is named until it knows', async () => {
    const section = PAGE.split(/^## /m).find((text) => text.startsWith('A laptop and a phone\n'))!;
    const steps = section.split(/^\d+\. /m).slice(1);
    expect(steps.length).toBe(5);
    let bringBack: (() => Promise<void>) | null = null;
    for (const step of steps) {
      const [, who] = /^\*\*(\w+):\*\*/.exec(step)!;
      const block = /^ *```\n([^]*?)^ *```$/m.exec(step)![1]!;
      for (const line of block
        .split('\n')
        .map((one) => one.trim())
        .filter((one) => one !== '')) {
        if (line.startsWith('ckm device remove')) bringBack = await turnOff();
        const outcome = await type(who!, line);
        const expected = line.startsWith('ckm device remove') ? 69 : 0;
        expect({
          line,
          status: outcome.status,
          stderr: outcome.status === expected ? '' : outcome.stderr,
        }).toEqual({
          line,
          status: expected,
          stderr: '',
        });
      }
    }
    const phone = people['Phone']!;
    const told = await ckm(phone, ['status']);
    expect(told.stdout).toMatch(/charlie +has not heard that laptop is removed/);
    expect((await ckm(phone, ['device', 'list'])).stdout).toMatch(/^phone \(this one\) .* young until /m);
    const doctor = await json<{ subject: string; text: string }[]>(phone, 'doctor').catch(() => null);
    // A server that is off is a failing check: the lines stand on stdout all the same.
    expect(doctor).toBeNull();
    expect((await ckm(phone, ['doctor'])).stdout).toContain('has not heard that laptop is removed');
    await bringBack!();
  });

  test('a removed device is a stranger to each server that heard of it, and to the last one too once it answers', async () => {
    const [laptop, phone] = [people['Laptop']!, people['Phone']!];
    const before = await devicesOf(laptop);
    expect(before.silent.map(({ server }) => server)).toEqual(['alpha', 'bravo']);
    const sign = ['sign', 'notes', '--message', 'by the thief', '--yes', '--wait', '0s'];
    expect((await ckm(laptop, sign)).status).not.toBe(0);
    // The next command that charlie answers tells it.
    await json(phone, 'status');
    expect((await devicesOf(phone)).unsent).toEqual([]);
    expect((await devicesOf(laptop)).silent.map(({ server }) => server)).toEqual(SERVERS);
    const known = await devicesOf(phone);
    expect(known.devices).toMatchObject([{ name: 'phone', isThis: true, may: ['use', 'make', 'manage'] }]);
    expect(known.devices[0]!.at.map(({ server }) => server)).toEqual(SERVERS);
    await json(phone, 'sign', 'notes', '--message', 'still here', '--yes');
  });

  test('after seed forget no byte of the folder opens an account without the secret of the device', async () => {
    const home = people['Laptop']!['CKM_HOME']!;
    expect(existsSync(join(home, 'seed'))).toBe(false);
    const seed = await openSeed(seedBefore, secret(PASSPHRASE));
    const servers = await json<{ xid: string }[]>(people['Phone']!, 'server', 'list');
    const identities = servers.map(({ xid }) => identityForServer(seed, Buffer.from(xid, 'hex') as never));
    const why = 'searching for it';
    const needles = [
      reveal(seed, why),
      ...identities.flatMap(({ signingKey, agreementKey, hedgeKey }) => [
        reveal(signingKey, why).subarray(0, 32),
        reveal(agreementKey, why),
        reveal(hedgeKey, why),
      ]),
    ];
    expect(needles.length).toBe(10);
    const paths = (readdirSync(home, { recursive: true }) as string[]).map((name) => join(home, name));
    const files = paths.filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(5);
    for (const path of files) {
      const bytes = readFileSync(path);
      expect(bytes.equals(seedBefore), path).toBe(false);
      expect(bytes.includes('ckm-owner-seed: '), path).toBe(false);
      for (const needle of needles)
        for (const form of [Buffer.from(needle), encodeHex(needle), Buffer.from(needle).toString('base64')])
          expect(bytes.includes(form), path).toBe(false);
    }
    // Without its secret the rest of the folder says nothing to any server.
    const without = homeOf('without-secret');
    cpSync(home, without['CKM_HOME']!, { recursive: true });
    rmSync(join(without['CKM_HOME']!, 'device'));
    expect(await codeOf(without, 'server', 'list')).toBe('HOME_NOT_INITIALISED');
  });

  test('what takes the words says so in the folder of a device, and the words remove a device whatever it may', async () => {
    const phone = people['Phone']!;
    expect(await codeOf(phone, 'seed', 'backup', '--out', join(table, 'none'))).toBe('WORDS_NEEDED');
    expect(await codeOf(phone, 'init')).toBe('DEVICE_EXISTS');
    expect(await codeOf(phone, 'seed', 'restore', '--from', words)).toBe('DEVICE_EXISTS');
    expect(await codeOf(phone, 'device', 'remove', 'phone', '--yes')).toBe('DEVICE_AT_HAND');
    expect(await codeOf(phone, 'device', 'remove', 'tablet', '--yes')).toBe('DEVICE_UNKNOWN');
    await json(phone, 'seed', 'verify', words);
    // The process that keeps it open hands it to whoever may not know the passphrase.
    const untold = { ...phone, CKM_PASSPHRASE_FILE: join(table, 'no-such-file') };
    expect(await codeOf(untold, 'device', 'list')).toBe('PASSPHRASE_FILE_UNREADABLE');
    await json(phone, 'unlock', '--for', '5m');
    expect((await devicesOf(untold)).devices).toMatchObject([{ name: 'phone', isThis: true }]);
    await json(phone, 'lock');
    expect(await codeOf(untold, 'device', 'list')).toBe('PASSPHRASE_FILE_UNREADABLE');
    const next = join(table, 'next-passphrase');
    writeFileSync(next, 'olive canyon ferret\n', { mode: 0o600 });
    await json(phone, 'seed', 'passphrase', '--new-passphrase-file', next);
    expect(await codeOf(phone, 'device', 'list')).toBe('PASSPHRASE_WRONG');
    await json({ ...phone, CKM_PASSPHRASE_FILE: next }, 'device', 'list');
    const before = setup.environment['CKM_PASSPHRASE_FILE']!;
    await json(
      { ...phone, CKM_PASSPHRASE_FILE: next },
      'seed',
      'passphrase',
      '--new-passphrase-file',
      before,
    );
    const sheet = await json<{ servers: unknown[] }>(phone, 'sheet');
    expect(sheet.servers.length).toBe(3);
    // A folder of the words alone, as after everything else was lost.
    const paper = homeOf('paper');
    await json(paper, 'seed', 'restore', '--from', words);
    for (const [i, name] of SERVERS.entries())
      await json(paper, 'server', 'add', name, proxies[i]!.url, '--yes');
    expect(await devicesOf(paper)).toMatchObject({
      areWordsHere: true,
      devices: [{ name: 'phone', isThis: false }],
    });
    await json(paper, 'device', 'rename', 'phone', 'old-phone');
    expect((await devicesOf(phone)).devices).toMatchObject([{ name: 'old-phone', isThis: true }]);
    await json(paper, 'device', 'remove', 'old-phone', '--yes');
    expect((await devicesOf(phone)).silent.map(({ server }) => server)).toEqual(SERVERS);
    expect((await devicesOf(paper)).devices).toEqual([]);
  });
});

describe('an offer or a welcome that is wrong changes nothing', () => {
  let owner: Environment;
  let phone: Environment;
  let offer: string;
  const file = (name: string, text: string) => {
    const path = join(table, name);
    writeFileSync(path, text);
    return path;
  };
  const add = (path: string, ...flags: readonly string[]) => [
    'device',
    'add',
    path,
    '--welcome-out',
    join(table, `out-${randomBytes(4).toString('hex')}`),
    '--yes',
    ...flags,
  ];
  const madeAt = (now: number) =>
    makeDeviceOffer(
      draftDevice((length) => new Uint8Array(randomBytes(length))),
      'tablet',
      now,
    ).text;

  beforeAll(async () => {
    ({ environment: owner } = await ownerWithKey('bad-offers'));
    phone = homeOf('bad-phone');
    offer = join(table, 'good.offer');
    await json(phone, 'device', 'join', '--name', 'phone', '--offer-out', offer);
    await sealDeviceCheaply(phone);
  }, 60_000);

  test.each([
    [
      'of yesterday',
      () => file('old', madeAt(Math.floor(Date.now() / 1000) - 86_400)),
      'DEVICE_OFFER_EXPIRED',
      75,
    ],
    [
      'of tomorrow',
      () => file('early', madeAt(Math.floor(Date.now() / 1000) + 86_400)),
      'DEVICE_OFFER_EXPIRED',
      75,
    ],
    ['that is cut', () => file('cut', readFileSync(offer, 'utf8').slice(0, -20)), 'DEVICE_OFFER_INVALID', 65],
    ['that is a seed', () => join(table, 'bad-offers.words'), 'DEVICE_OFFER_INVALID', 65],
    ['of 1 MB', () => file('long', 'u'.repeat(1_048_576)), 'FILE_TOO_LARGE', 64],
    ['that is not there', () => join(table, 'nowhere'), 'FILE_UNREADABLE', 74],
  ])('an offer %s', async (_what, path, code, status) => {
    const before = treeHash(owner['CKM_HOME']!);
    const outcome = await ckm(owner, add(path()));
    expect([errorOf(outcome).code, outcome.status]).toEqual([code, status]);
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
    expect((await devicesOf(owner)).devices).toEqual([]);
  });

  test('an offer whose six words are others', async () => {
    const before = treeHash(owner['CKM_HOME']!);
    const words = 'acid-also-apex-aqua-arch-atom';
    expect(await codeOf(owner, ...add(offer, '--likeness', words))).toBe('DEVICE_LIKENESS_MISMATCH');
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
  });

  test('without a terminal nobody says yes for the owner', async () => {
    const args = add(offer).filter((word) => word !== '--yes');
    expect(await codeOf(owner, ...args)).toBe('INPUT_NEEDED');
    expect((await devicesOf(owner)).devices).toEqual([]);
  });

  test('a welcome that is cut, another device’s, or brought to a folder that made no offer; an offer twice, or to its own device', async () => {
    const welcome = join(table, 'good.welcome');
    const added = await ckm(owner, ['device', 'add', offer, '--welcome-out', welcome, '--yes']);
    expect([added.status, added.stderr]).toEqual([
      0,
      expect.stringContaining('nobody has compared these words'),
    ]);
    const other = homeOf('bad-other');
    await json(other, 'device', 'join', '--name', 'other', '--offer-out', join(table, 'other.offer'));
    const take = (path: string) => ['device', 'join', '--welcome', path, '--yes'];
    const cut = file('cut.welcome', readFileSync(welcome, 'utf8').slice(0, -20));
    for (const [home, path, code] of [
      [phone, cut, 'DEVICE_WELCOME_INVALID'],
      [phone, offer, 'DEVICE_WELCOME_INVALID'],
      [other, welcome, 'DEVICE_WELCOME_OTHER'],
    ] as const) {
      const before = treeHash(home['CKM_HOME']!);
      expect(await codeOf(home, ...take(path))).toBe(code);
      expect(treeHash(home['CKM_HOME']!)).toBe(before);
    }
    expect(await codeOf(owner, ...take(welcome))).toBe('DEVICE_NOT_HERE');
    expect(await codeOf(phone, 'key', 'list')).toBe('DEVICE_NOT_JOINED');
    expect(await codeOf(owner, ...add(offer))).toBe('DEVICE_OFFER_USED');
    await json(phone, ...take(welcome));
    // Once more it is the same device.
    await json(phone, ...take(welcome));
    expect((await devicesOf(phone)).devices).toMatchObject([{ name: 'phone', isThis: true, may: ['use'] }]);
    expect(await codeOf(phone, ...add(join(table, 'other.offer')))).toBe('DEVICE_MAY_NOT');
    const again = join(table, 'again.offer');
    await json(phone, 'device', 'join', '--name', 'phone', '--offer-out', again);
    expect(await codeOf(phone, ...add(again))).toBe('DEVICE_OFFER_OWN');
    expect(await codeOf(owner, ...add(again))).toBe('DEVICE_OFFER_USED');
    await json(phone, 'sign', 'notes', '--message', 'by the phone', '--yes');
  });
});

type When = 'before' | 'after';

/** Starts a command, and kills it (SIGKILL) around its message of that number to alpha. */
function startAndKill(environment: Environment, args: readonly string[], when: When, nth: number) {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [CKM, ...args], {
    env: { PATH, ...environment },
    cwd: table,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.resume();
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_status, signal) => resolve(signal)),
  );
  const proxy = proxies[0]!;
  let seen = 0;
  proxy[when] = async () => {
    if (++seen < nth) return 'pass';
    child.kill('SIGKILL');
    await ended;
    return when === 'before' ? new Uint8Array(0) : 'pass';
  };
  return ended.finally(() => {
    proxy[when] = () => 'pass';
  });
}

const moments = (count: number) =>
  Array.from({ length: count }, (_, i) => i + 1).flatMap((nth) =>
    (['before', 'after'] as const).map((when) => ({ nth, when })),
  );

describe('a process that is killed (SIGKILL) while the words leave: the same command goes on', () => {
  let words: string;
  let original: Environment;
  let fresh: Environment;
  /** Each time another name: the account keeps the devices of the times before. */
  let name = '';
  let count = 0;

  beforeAll(async () => {
    ({ environment: original, words } = await ownerWithKey('forgetting'));
  }, 60_000);

  const forget = () => ['seed', 'forget', '--name', name, '--from', words, '--yes'];

  function begin(): string {
    name = `laptop-${++count}`;
    fresh = homeOf(name);
    const home = fresh['CKM_HOME']!;
    cpSync(original['CKM_HOME']!, home, { recursive: true });
    return home;
  }

  async function expectForgotten(home: string): Promise<void> {
    expect(readdirSync(home).toSorted()).toEqual(['device', 'seed-print', 'store']);
    expect(readFileSync(join(home, 'device'), 'latin1')).toMatch(/^ckm-device: 1\nstep: ready\n/);
    await sealDeviceCheaply(fresh);
    const { devices, areWordsHere } = await devicesOf(fresh);
    expect(areWordsHere).toBe(false);
    const own = devices.filter((one) => one.name === name);
    expect(own).toMatchObject([{ isThis: true }]);
    expect(own[0]!.at.map(({ server }) => server)).toEqual(SERVERS);
    await json(fresh, 'sign', 'notes', '--message', name, '--yes');
  }

  // What alpha is asked: the list before, the list and the new one, and the list by the device.
  test.each(moments(4))('$when message $nth', async ({ nth, when }) => {
    const home = begin();
    expect(await startAndKill(fresh, forget(), when, nth)).toBe('SIGKILL');
    // The words are still there, and speak.
    expect(existsSync(join(home, 'seed'))).toBe(true);
    await json(fresh, 'key', 'list');
    await json(fresh, ...forget());
    await expectForgotten(home);
    // Once more there is nothing left to do.
    expect(await json(fresh, ...forget())).toMatchObject({ isForgotten: true });
  });

  test('between the file that says “ready” and the end of the seed', async () => {
    const home = begin();
    const seed = readFileSync(join(home, 'seed'));
    await json(fresh, ...forget());
    writeFileSync(join(home, 'seed'), seed, { mode: 0o600 });
    await json(fresh, 'key', 'list');
    await json(fresh, ...forget());
    await expectForgotten(home);
  });

  test('while a server is off the words stay, and say which one needs them', async () => {
    const home = begin();
    const bringBack = await turnOff();
    const before = treeHash(home);
    const outcome = await ckm(fresh, forget());
    expect([errorOf(outcome).code, outcome.status]).toEqual(['SEED_STILL_NEEDED', 75]);
    expect(outcome.stderr).toContain('charlie');
    expect(treeHash(home)).toBe(before);
    await bringBack();
    await json(fresh, ...forget());
    await expectForgotten(home);
  });
});

describe('a process that is killed (SIGKILL) while a device is let in, or joins: the same command goes on', () => {
  let laptop: Environment;
  let count = 0;

  beforeAll(async () => {
    const { environment, words } = await ownerWithKey('joining');
    laptop = environment;
    await json(laptop, 'seed', 'forget', '--name', 'laptop', '--from', words, '--yes');
    await sealDeviceCheaply(laptop);
  }, 60_000);

  async function offered(): Promise<{ phone: Environment; name: string; offer: string; welcome: string }> {
    const name = `phone-${++count}`;
    const phone = homeOf(name);
    const offer = join(table, `${name}.offer`);
    await json(phone, 'device', 'join', '--name', name, '--offer-out', offer);
    await sealDeviceCheaply(phone);
    return { phone, name, offer, welcome: join(table, `${name}.welcome`) };
  }

  async function expectIn(phone: Environment, name: string): Promise<void> {
    await sealDeviceCheaply(phone);
    const { devices } = await devicesOf(phone);
    const own = devices.filter((one) => one.name === name);
    expect(own).toMatchObject([{ isThis: true, may: ['use'] }]);
    expect(own[0]!.at.map(({ server }) => server)).toEqual(SERVERS);
    expect(readdirSync(phone['CKM_HOME']!).toSorted()).toEqual(['device', 'store']);
    await json(phone, 'sign', 'notes', '--message', name, '--yes');
    // So that there is room for the next one.
    await json(laptop, 'device', 'remove', name, '--yes');
  }

  const added = (offer: string, welcome: string) => [
    'device',
    'add',
    offer,
    '--welcome-out',
    welcome,
    '--yes',
  ];
  const joined = (welcome: string) => ['device', 'join', '--welcome', welcome, '--yes'];

  // What alpha is asked: the list to show the plan, the list to begin, the list and the new one.
  test.each(moments(4))('letting it in, $when message $nth', async ({ nth, when }) => {
    const { phone, name, offer, welcome } = await offered();
    expect(await startAndKill(laptop, added(offer, welcome), when, nth)).toBe('SIGKILL');
    expect(existsSync(welcome)).toBe(false);
    await json(laptop, ...added(offer, welcome));
    await json(phone, ...joined(welcome));
    await expectIn(phone, name);
  });

  test.each(moments(3))('joining, $when message $nth', async ({ nth, when }) => {
    const { phone, name, offer, welcome } = await offered();
    await json(laptop, ...added(offer, welcome));
    expect(await startAndKill(phone, joined(welcome), when, nth)).toBe('SIGKILL');
    await json(phone, ...joined(welcome));
    await expectIn(phone, name);
  });

  test('joining, between the records of servers and the file that says “ready”', async () => {
    const { phone, name, offer, welcome } = await offered();
    const file = join(phone['CKM_HOME']!, 'device');
    const before = readFileSync(file);
    await json(laptop, ...added(offer, welcome));
    await json(phone, ...joined(welcome));
    writeFileSync(file, before, { mode: 0o600 });
    expect(await codeOf(phone, 'key', 'list')).toBe('DEVICE_NOT_JOINED');
    await json(phone, ...joined(welcome));
    await expectIn(phone, name);
  });
});

describe('a server that is added later', () => {
  test('is opened with the words for that one command, and lets the device in; the other device is brought in by a new offer', async () => {
    const { environment: laptop, words } = await ownerWithKey('later');
    await json(laptop, 'server', 'list');
    await json(laptop, 'seed', 'forget', '--name', 'laptop', '--from', words, '--yes');
    const delta = await openSetup({ names: ['delta'] });
    try {
      const url = delta.servers['delta']!.url;
      expect(await codeOf(laptop, 'server', 'add', 'delta', url, '--yes')).toBe('WORDS_NEEDED');
      const { words: others } = await ownerWithKey('somebody-else');
      expect(await codeOf(laptop, 'server', 'add', 'delta', url, '--yes', '--from', others)).toBe(
        'WORDS_DIFFER',
      );
      await json(laptop, 'server', 'add', 'delta', url, '--yes', '--from', words);
      const { devices } = await devicesOf(laptop);
      expect(devices).toMatchObject([{ name: 'laptop', isThis: true, may: ['use', 'make', 'manage'] }]);
      expect(devices[0]!.at.map(({ server }) => server)).toEqual([...SERVERS, 'delta']);
      const create = 'key create wide --for message --quorum 3of4 --servers alpha,bravo,charlie,delta --yes';
      await json(laptop, ...create.split(' '));
      await json(laptop, 'sign', 'wide', '--message', 'by the laptop', '--yes');
    } finally {
      await delta.close();
    }
  });
});
