// Longer than other files, because it is one stand-in: an owner with everything that people may be to a key, and a clock for all of them.
import type {
  FunctionName,
  KeyTerms,
  Parameters,
  RequestReply,
  Result,
  ShownMatter,
  VoteStatement,
} from '@ckm/api';
import { COMMON_TOTP, deviceId, parseDevices, totpOf } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, reveal, secret, type Secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { type BareCaller, createKeyDesk, voteFor } from '@ckm/server/test';
import { createCeremony } from '@ckm/testkit';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../../client.js';
import { readVoucher } from '../../contacts/papers.js';
import { makeDeviceOffer } from '../../devices/offer.js';
import { joinedDevice, openWelcome } from '../../devices/welcome.js';
import { deviceIdentity, draftDevice, parseDevice } from '../../owner/device-secrets.js';
import { identityForServer } from '../../seed/identity.js';
import { keyDeviceIdentity, keyOwnerIdentity } from '../../seed/key-owner.js';
import { memoryStore } from '../../store/memory-store.js';
import { copyDisk } from '../../test/disks.js';
import {
  createTestNetwork,
  type NetworkServer,
  OWNER_SEED,
  ownerClient,
  type TestNetwork,
} from '../../test/test-network.js';

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
/** Between two looks of a server at its clock: no longer than what counts as time in which it ran. */
const STEP = 1_200;
export const KEY = 'savings';
/** So many uses in a day, at each server. */
export const LIMIT = 6;
export const QUARANTINE = 3 * DAY;

const person = (byte: number): Identity => createIdentity(secret(new Uint8Array(32).fill(byte)));
/** Whose yes the key asks for. */
export const PEOPLE = { ann: person(0x72), bob: person(0x73), cy: person(0x74) } as const;
export type PersonName = keyof typeof PEOPLE;
export const EVERYBODY = Object.keys(PEOPLE) as PersonName[];

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
export const wordsOf = (): Secret<Uint8Array> => secret(OWNER_SEED.slice());

/** A message, to be signed freely (`test`) or when two of three people say yes (`asked`). */
export const messageIn = (domain: string, text: string) => ({
  kind: 'message' as const,
  payload: buildMessageRequest({ domain, bytes: new TextEncoder().encode(text) }),
});

/** Terms by which `test` is free, `asked` takes two of three people, and nothing else is signed. */
export function familyTerms(ownerKey: Uint8Array): Partial<KeyTerms> {
  return {
    rateLimit: { count: LIMIT, perSeconds: DAY },
    ownerKey,
    approvers: EVERYBODY.map((name) => ({
      name,
      xid: PEOPLE[name].xid.slice(),
      keys: [{ kind: 'ed25519' as const, key: PEOPLE[name].publicKeys.signing.bytes }],
    })),
    approvals: [
      { when: { fact: 'domain', among: ['test'] }, needed: 0, of: [] },
      { when: { fact: 'domain', among: ['asked'] }, needed: 2, of: [...EVERYBODY] },
    ],
    change: { needed: 2, of: [...EVERYBODY], delaySeconds: 3 * DAY, words: 30 * DAY },
    silence: { afterSeconds: 60 * DAY, grants: [{ who: 'ann', may: ['use' as const] }] },
  };
}

/** A folder from which somebody acts: each command is a process of its own. */
export interface Place {
  run<T>(work: (client: Client) => Promise<T>): Promise<T>;
}

/** One device of the owner: whoever has it, is it. */
export interface FamilyDevice extends Place {
  readonly name: string;
  /** Who it is to servers and people of the key. */
  readonly forKey: Identity;
  /** Who it is at a server. */
  at(server: NetworkServer): Identity;
  /** Asks a server as it, past its own client. */
  call<F extends FunctionName>(server: NetworkServer, name: F, parameters: Parameters<F>): Promise<Result<F>>;
}

export interface Family {
  readonly network: TestNetwork;
  readonly keyId: Uint8Array;
  /** The words, on a machine of their own. */
  readonly words: Place;
  readonly laptop: FamilyDevice;
  /** Of the app at each of these servers. */
  readonly apps: ReadonlyMap<string, { readonly name: string; code(): string }>;
  /** Adds a device with the words, or by another device; which puts it on the list of the key: at each server, unless it need not be. */
  addDevice(
    name: string,
    may: readonly ('use' | 'manage')[],
    by?: Place,
    isListed?: boolean,
  ): Promise<FamilyDevice>;
  /** The same where the words or a server would be asked: no device is young any more. */
  growUp(): Promise<void>;
  /** Time in which all servers run; those that are off do not count it. */
  pass(seconds: number): Promise<void>;
  /** The clocks of all machines are set on, or back, while all servers are off. */
  setClocks(seconds: number): Promise<void>;
  asWords(server: NetworkServer): Promise<BareCaller>;
  /** A machine with the words and nothing else. */
  wordsAnew(): Promise<Place>;
  /** An empty folder of somebody who shows contacts to be let in again. */
  newcomer(): Place;
  /** Begins recoveries at servers by a contact, the app where there is one; or shows the friend there, too: two overrule the veto of a device. */
  beginRecovery(newcomer: Place, servers: readonly string[], by?: 'one' | 'friend'): Promise<void>;
  /** The friend says no to whatever recovery waits at a server. */
  refuseByFriend(newcomer: Place, server: string): Promise<void>;
  /** Begins them, waits, and ends them. */
  recover(newcomer: Place, servers: readonly string[], name: string): Promise<void>;
  /** Puts what is found of keys on record at a place. */
  keep(place: Place): Promise<void>;
  voucher(request: string): Promise<string>;
  /** What somebody is asked at a server. */
  asked(who: PersonName, server: NetworkServer): Promise<readonly ShownMatter[]>;
  /** What somebody says at servers. @returns codes of refusals, by names of servers */
  say(
    who: PersonName,
    shown: ShownMatter,
    more: Partial<VoteStatement>,
    servers?: readonly NetworkServer[],
  ): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The operator of a server and these people end the freeze that stands there; none of them alone. */
  thaw(server: NetworkServer, people: readonly PersonName[]): Promise<void>;
  backUp(server: NetworkServer): Promise<string>;
  /** Puts a backup in the place of what is there, as `ckm server restore` does. */
  restore(server: NetworkServer, folder: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * An owner with words and a laptop that manages; three servers; a key that two of them use; three people who are asked;
 * a friend to come back by, and an app besides at alpha and charlie.
 */
export async function createFamily(): Promise<Family> {
  const network = await createTestNetwork(3);
  const folders: string[] = [];
  /** A folder; who acts there may learn of a server more. */
  function placeOf(first: Uint8Array, isDevice: boolean, store = memoryStore()): Place {
    let kept = first.slice();
    return {
      async run(work) {
        const copy = secret(kept.slice());
        const client = ownerClient(network.send, () => network.now, {
          seed: isDevice ? { device: copy } : copy,
          store,
          keepDevice: (device) => {
            kept = reveal(device, 'test').slice();
            return Promise.resolve();
          },
        });
        try {
          return await work(client);
        } finally {
          await client.close();
        }
      },
    };
  }
  async function wordsAnew(): Promise<Place> {
    const place = placeOf(OWNER_SEED, false);
    await place.run(async (client) => {
      for (const { name, url } of network.servers) await client.addServer({ name, url });
    });
    return place;
  }
  const words = await wordsAnew();
  const friend = await network.owner({ seed: secret(new Uint8Array(32).fill(9)) });
  const keyId = random(32);
  const ownerKey = keyOwnerIdentity(wordsOf(), keyId).publicKeys.signing.bytes;
  const asWords = ({ bare, identity }: NetworkServer) => bare.as(identityForServer(wordsOf(), identity.xid));
  await createCeremony({
    servers: await Promise.all(network.servers.map(asWords)),
    keyId,
    purpose: 'message',
    needed: 2,
    policy: familyTerms(ownerKey),
    expiresAt: network.now + 600,
  }).finish();
  const keep = (place: Place): Promise<void> =>
    place.run(async (client) => {
      const { keys } = await client.fetchKeys();
      for (const key of keys) await client.keepKey(key, { name: KEY });
    });
  await keep(words);

  const apps = new Map<string, { readonly name: string; code(): string }>();
  async function setApp(server: string): Promise<void> {
    const wanted = { server, contact: { kind: 'totp' }, delaySeconds: DAY } as const;
    const { contact, secret: shared } = await words.run((client) => client.setContact(wanted));
    const code = () =>
      totpOf(secret(shared!.slice()), Math.floor(network.now / COMMON_TOTP.period), COMMON_TOTP);
    const shown = { server, contact: 'totp', proof: { code: code() } };
    await words.run((client) => client.verifyContact(shown));
    network.now += 2 * COMMON_TOTP.period;
    apps.set(server, { name: contact.name, code });
  }
  const voucher = async (request: string): Promise<string> => {
    // No voucher is taken that is not newer than the last one.
    network.now += 1;
    return friend.vouch(request, 'alice');
  };
  async function setFriend(server: string): Promise<void> {
    const wanted = { server, contact: { kind: 'xid' }, delaySeconds: DAY } as const;
    const { request } = await words.run((client) => client.setContact(wanted));
    const proof = { voucher: readVoucher(await voucher(request!)) };
    await words.run((client) => client.verifyContact({ server, contact: 'xid', proof }));
  }
  await setApp('alpha');
  await setApp('charlie');
  await setFriend('alpha');
  await setFriend('bravo');
  await setFriend('charlie');

  const isListedAt = async (server: NetworkServer, who: Identity): Promise<boolean> => {
    const { links } = await (await asWords(server)).call('key.devices', { keyId, links: [], after: null });
    const last = links.at(-1);
    return (
      last !== undefined &&
      parseDevices(last.document).keys.some(({ id }) => equalBytes(id, deviceId(who.publicKeys)))
    );
  };

  /** A device says that it wants to be on the list of the key, and whoever let it in puts it there, at each server. */
  async function listForKey(place: Place, who: Identity, by: Place): Promise<void> {
    for (let tries = 0; tries < 4; tries++) {
      await place.run((client) => client.status({ isRemembered: true }));
      await by.run((client) => client.status({ isRemembered: true }));
      const listed = await Promise.all(network.servers.map((server) => isListedAt(server, who)));
      if (listed.every(Boolean)) return;
    }
    throw new Error('the device is not on the list of the key at every server');
  }

  async function addDevice(
    name: string,
    may: readonly ('use' | 'manage')[],
    by: Place = words,
    isListed = true,
  ): Promise<FamilyDevice> {
    const drafted = draftDevice(random);
    const offer = makeDeviceOffer(drafted, name, network.now).text;
    const { welcome } = await by.run((client) => client.addDevice({ offer, may }));
    const opened = openWelcome(drafted, welcome).welcome;
    const joined = reveal(joinedDevice(drafted, opened), 'test').slice();
    const copy = () => secret(joined.slice());
    const place = placeOf(joined, true);
    await place.run((client) => client.takeWelcome(opened));
    await keep(place);
    const forKey = keyDeviceIdentity(parseDevice(copy()).secret, keyId);
    // It has asked to be on the list of the key, and whoever looks at the devices puts it there.
    await by.run((client) => client.listDevices());
    if (isListed) await listForKey(place, forKey, by);
    const at = ({ identity }: NetworkServer) => deviceIdentity(parseDevice(copy()), identity.xid)!;
    return {
      name,
      forKey,
      run: place.run,
      at,
      call: (server, asked, parameters) => server.bare.asDevice(at(server)).call(asked, parameters) as never,
    };
  }

  const family: Omit<Family, 'laptop'> = {
    network,
    keyId,
    words,
    wordsAnew,
    keep,
    apps,
    addDevice,
    asWords,
    voucher,
    async growUp() {
      for (const server of network.servers) {
        const { xid } = identityForServer(wordsOf(), server.identity.xid);
        await server.bare.context.storage.transact(async ({ youngDevices }) => {
          for (const { id } of await youngDevices.of(xid)) await youngDevices.remove(xid, id);
        });
      }
    },
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= STEP) {
        network.now += Math.min(left, STEP);
        for (const { bare } of network.servers) await bare.sessions.sweep();
      }
    },
    async setClocks(seconds) {
      network.now += seconds;
      for (const server of network.servers) {
        await server.restart();
        await server.bare.sessions.sweep();
      }
    },
    newcomer: () => placeOf(reveal(draftDevice(random), 'test'), true),
    async beginRecovery(newcomer, servers, by = 'one') {
      for (const server of servers) {
        const { url } = network.server(server);
        await newcomer.run((client) => client.beginRecovery({ name: server, url }));
        const hasApp = by === 'one' && apps.has(server);
        await newcomer.run((client) => (hasApp ? proveByApp : proveByFriend)(client, server));
      }
    },
    async refuseByFriend(newcomer, server) {
      const { url } = network.server(server);
      await newcomer.run((client) => client.beginRecovery({ name: server, url }));
      await newcomer.run((client) => proveByFriend(client, server, 'veto'));
    },
    async recover(newcomer, servers, name) {
      await family.beginRecovery(newcomer, servers);
      await family.pass(DAY + 3 * STEP);
      for (const server of servers) await newcomer.run((client) => client.finishRecovery(server, name));
    },
    async asked(who, server) {
      const inbox = server.bare.asAnybody(PEOPLE[who]);
      const { matters } = await inbox.call('approval.list', { after: null });
      const named = matters.map(({ matter, matterId }) => ({ matter, matterId, keyId, known: null }));
      return Promise.all(named.map((one) => inbox.call('approval.show', one)));
    },
    async say(who, shown, more, servers = network.servers) {
      const audience = network.servers.map(({ identity }) => identity.xid);
      const vote = voteFor(PEOPLE[who], shown, audience, { issuedAt: network.now, ...more });
      const said = new Map<string, readonly string[]>();
      for (const { name, bare } of servers) {
        const { refused } = await bare.asAnybody(PEOPLE[who]).call('approval.give', { votes: [vote] });
        said.set(
          name,
          refused.map(({ code }) => code),
        );
      }
      return said;
    },
    async thaw(server, people) {
      const { context, sessions } = server.bare;
      await createKeyDesk({ context, sessions }).thaw(encodeHex(keyId), null);
      for (const who of people) {
        for (const shown of await family.asked(who, server))
          if (shown.matter === 'thaw') await family.say(who, shown, {}, [server]);
      }
    },
    async backUp(server) {
      const folder = await copyDisk(server);
      folders.push(folder);
      return folder;
    },
    async restore(server, folder) {
      const { dataDir } = server.bare;
      const copy = mkdtempSync(join(tmpdir(), 'ckm-restored-'));
      cpSync(folder, copy, { recursive: true });
      await server.restart({ dataDir: copy });
      folders.push(dataDir);
      await server.bare.sessions.voidOpen('the database is an older one');
    },
    async close() {
      await network.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };

  async function proveByApp(client: Client, server: string): Promise<void> {
    const { name, code } = apps.get(server)!;
    const contact = { kind: 'totp', name } as const;
    await client.proveContact({ server, contact, proof: { code: code() }, deed: 'recover' });
  }

  async function proveByFriend(
    client: Client,
    server: string,
    deed: 'recover' | 'veto' = 'recover',
  ): Promise<void> {
    const request = await client.requestVoucher(server, deed === 'veto' ? 'veto' : 'recovery');
    const proof = { voucher: readVoucher(await voucher(request)) };
    await client.proveContact({ server, contact: { kind: 'xid', name: '' }, proof, deed });
  }

  const laptop = await addDevice('laptop', ['use', 'manage']);
  await family.growUp();
  return { ...family, laptop };
}

/** Signs something that nobody is asked about. @returns who signed */
export async function signsFreely(client: Client, text: string): Promise<readonly string[]> {
  return (await client.sign({ key: KEY, ...messageIn('test', text) })).signers;
}

/** The code with which something is refused, or that it was done. @throws what is a defect of ours */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'OK',
    (error: unknown) => {
      if (error instanceof CkmError && error.errorClass !== 'BugError') return error.code;
      if ((error as Error).message === 'this device is not there') return 'MESSAGE_NOT_AUTHENTICATED';
      throw error;
    },
  );
}

/** Whether a server gave a share for it. */
export const isReleased = ({ state }: RequestReply): boolean => state === 'answered';
