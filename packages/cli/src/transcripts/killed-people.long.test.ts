// @module-tag long
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuthenticatorApp, authenticatorApp } from '../test/authenticator-app.js';
import { callCkm } from '../test/call-ckm.js';
import { killedAfter, killedAt } from '../test/kill-between.js';
import { makeOwner } from '../test/make-owner.js';
import { createMovedClock } from '../test/moved-clock.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/**
 * Processes that are killed (SIGKILL) between every two steps of proposing and stopping terms, of setting and showing contacts, and of an account that comes back: the same command, said again, finishes it, nothing is
 * there twice, and nothing is lost. Devices: `devices.long.test.ts`.
 */
const SERVERS = ['alpha', 'bravo', 'charlie'];
const PEOPLE = ['alice', 'bob', 'carol'];
/** Some forty processes one after the other, on a machine that may have other work. */
const PATIENCE = 900_000;

const clock = createMovedClock();
let setup: Setup;
let proxies: Proxy[];
/** Where files lie that go from one to the other. */
let table: string;

type Environment = Readonly<Record<string, string>>;

beforeAll(async () => {
  setup = await openSetup({ clock });
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

const homeOf = (name: string): Environment => ({
  ...setup.environment,
  CKM_HOME: join(setup.scratch.path, name),
});
const words = (line: string) => line.split(' ');
const ckm = (name: string, line: string): Promise<Outcome> =>
  callCkm([...words(line), '--timeout', '30'], {
    environment: homeOf(name),
    cwd: table,
    aheadMs: clock.aheadMs(),
  });

async function json<T>(name: string, line: string): Promise<T> {
  const outcome = await ckm(name, `${line} --json`);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

const mortal = (name: string) => ({
  environment: homeOf(name),
  cwd: table,
  proxies,
  aheadMs: clock.aheadMs(),
});

/**
 * For every moment between two messages: `begin`, the command, killed there, and `goOn`. Ends with the first moment that the command does not live to see.
 * @returns how many there were
 */
async function atEveryMoment(
  name: string,
  command: () => string | Promise<string>,
  goOn: (line: string, moment: number) => Promise<void>,
): Promise<number> {
  for (let moment = 1; ; moment++) {
    const line = await command();
    const wasKilled = await killedAt(words(line), moment, mortal(name));
    await goOn(line, moment);
    if (!wasKilled) return moment - 1;
  }
}

/** Servers of the proxies, and an owner with a seed. */
async function ownerBehindProxies(name: string): Promise<void> {
  const urls = Object.fromEntries(SERVERS.map((server, i) => [server, proxies[i]!.url]));
  await makeOwner(homeOf(name), urls);
}

describe('terms that name people', () => {
  const family = (sats: number) => ({
    terms: 1,
    approvers: PEOPLE,
    approvals: [
      { when: { fact: 'amountSats', atMost: `${sats} sats` } },
      { when: { fact: 'amountSats', above: `${sats} sats` }, needed: 2, of: PEOPLE },
    ],
    change: { needed: 2, of: PEOPLE, delay: '3d', words: '30d' },
  });
  const writeTerms = (name: string, sats: number) => {
    writeFileSync(join(table, `${name}.json`), JSON.stringify(family(sats)));
  };

  beforeAll(async () => {
    await ownerBehindProxies('owner');
    writeTerms('family', 200_000);
    const create = 'key create treasury --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie';
    await ckm('owner', `${create} --terms family.json --invitations . --yes`);
    for (const name of PEOPLE) {
      await json(name, 'approver init');
      const { likeness } = await json<{ likeness: { words: string } }>(
        name,
        `approver join treasury.${name}.invitation --out ${name}.answer --yes`,
      );
      await json('owner', `approver add ${name}.answer --likeness ${likeness.words}`);
    }
    await json('owner', 'key create treasury --yes');
  }, PATIENCE);

  const waitingChanges = async () =>
    (
      await json<{ waiting: readonly { version: number; at: readonly { server: string }[] }[] }>(
        'owner',
        'terms show treasury',
      )
    ).waiting;

  test(
    'looser terms that wait, and are stopped: one change at every server, then none',
    async () => {
      writeTerms('higher', 2_000_000);
      const propose = 'terms propose treasury higher.json --yes';
      const proposed = await atEveryMoment(
        'owner',
        () => propose,
        async (line) => {
          const outcome = await ckm('owner', `${line} --json`);
          expect([outcome.status, outcome.stderr.includes('TERMS_NOT_IN_FORCE')]).toEqual([75, true]);
          const waiting = await waitingChanges();
          expect(waiting.map(({ at }) => at.length)).toEqual([3]);
          await json('owner', 'terms stop treasury');
          expect(await waitingChanges()).toEqual([]);
        },
      );
      expect(proposed).toBeGreaterThan(6);
      const stopped = await atEveryMoment(
        'owner',
        async () => {
          await ckm('owner', propose);
          expect(await waitingChanges()).toHaveLength(1);
          return 'terms stop treasury';
        },
        async (line) => {
          await ckm('owner', line);
          expect(await waitingChanges()).toEqual([]);
        },
      );
      expect(stopped).toBeGreaterThan(4);
    },
    PATIENCE,
  );
});

/** In days. */
const ONE_MINUTE = 1 / 1_440;

describe('contacts, and an account that comes back', () => {
  let app: AuthenticatorApp;
  const codeFile = () => {
    writeFileSync(join(table, 'code'), app.code());
    return 'code';
  };
  interface Shown {
    readonly server: string;
    readonly kind: string;
    readonly state: string;
    readonly id: string;
  }
  const apps = async () =>
    (await json<{ contacts: readonly Shown[] }>('noor', 'contact list')).contacts.filter(
      ({ server, kind }) => server === 'alpha' && kind === 'totp',
    );
  const setApp = async () => {
    const { uri, name } = await json<{ uri: string; name: string }>('noor', 'contact set alpha totp');
    app = authenticatorApp(uri, name, clock.now);
  };
  const removeApp = async () => {
    for (const { id } of await apps()) await json('noor', `contact remove alpha ${id} --yes`);
    expect(await apps()).toEqual([]);
  };

  const accountsAtCharlie = async () => {
    const line = ['server', 'accounts', 'list', setup.folderOf('charlie')];
    return (await setup.json<{ xid: string }[]>(line)).map(({ xid }) => xid);
  };
  /** Noor's, at charlie. */
  let account: string;

  beforeAll(async () => {
    const others = await accountsAtCharlie();
    await ownerBehindProxies('noor');
    account = (await accountsAtCharlie()).find((xid) => !others.includes(xid))!;
  }, PATIENCE);

  test(
    'a contact is set once, and counts once it was shown',
    async () => {
      const set = await atEveryMoment(
        'noor',
        () => 'contact set alpha totp',
        async () => {
          await setApp();
          expect(await apps()).toMatchObject([{ state: 'unverified' }]);
          await removeApp();
        },
      );
      expect(set).toBeGreaterThan(3);
      const verified = await atEveryMoment(
        'noor',
        async () => {
          await removeApp();
          await setApp();
          return `contact verify alpha totp --code-file ${codeFile()}`;
        },
        async () => {
          const [before] = await apps();
          if (before!.state !== 'inForce')
            await json('noor', `contact verify alpha totp --code-file ${codeFile()}`);
          expect(await apps()).toMatchObject([{ state: 'inForce' }]);
        },
      );
      expect(verified).toBeGreaterThan(3);
    },
    PATIENCE,
  );

  test(
    'an account is asked for, and comes back, once: to one device, whenever that dies',
    async () => {
      for (let moment = 1, wasKilled = true; wasKilled; moment++) {
        const lost = `lost-${moment}`;
        // An app has one code for half a minute, and each is taken once.
        await clock.pass(ONE_MINUTE);
        const ask = () =>
          `account recover alpha --url ${proxies[0]!.url} --app ${app.name} --code-file ${codeFile()} --name ${lost} --yes`;
        wasKilled = await killedAt(words(ask()), moment, mortal(lost));
        const go = `account recover alpha --name ${lost}`;
        const known = await ckm(lost, `${go} --json`);
        const begun =
          known.status === 0 && (JSON.parse(known.stdout) as { case: object | null }).case !== null;
        if (!begun) {
          await clock.pass(ONE_MINUTE);
          await json(lost, ask());
        }
        expect(await json(lost, go)).toMatchObject({ case: { state: 'waiting', proofs: ['totp'] } });
        await clock.pass(8);
        wasKilled = (await killedAt(words(`${go} --yes`), moment, mortal(lost))) || wasKilled;
        const again = await ckm(lost, `${go} --json`);
        const { devices } = await json<{ devices: readonly { isThis: boolean; name: string }[] }>(
          lost,
          'device list',
        );
        expect(devices, again.stderr).toMatchObject([{ isThis: true, name: lost }]);
      }
    },
    PATIENCE,
  );

  test(
    'the word of an operator in person is said once, whenever he is cut off',
    async () => {
      await json('noor', 'contact set charlie operator');
      const url = proxies[2]!.url;
      const { likeness } = await json<{ likeness: { words: string } }>(
        'in-person',
        `account recover charlie --url ${url} --request-out charlie.request --yes`,
      );
      const yes = `server recover ${setup.folderOf('charlie')} charlie.request --account ${account} --likeness ${likeness.words} --yes`;
      for (let ms = 100, wasKilled = true; wasKilled; ms += 250)
        wasKilled = await killedAfter(words(yes), ms, mortal('in-person'));
      await json('in-person', yes);
      expect(await json('in-person', 'account recover charlie')).toMatchObject({
        case: { state: 'waiting', proofs: ['operator'] },
      });
    },
    PATIENCE,
  );
});
