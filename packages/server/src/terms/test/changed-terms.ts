import {
  ballotOfTerms,
  changeOfTerms,
  deviceId,
  deviceKey,
  encodeTerms,
  encodeTermsChange,
  firstDevices,
  type KeyTerms,
  nextDevices,
  parseTerms,
  parseTermsChange,
  policyHash,
  signDevices,
  signVote,
  termsChangeDigest,
  type TermsLink,
  versionOf,
  type VoteStatement,
} from '@ckm/api';
import { compareBytes, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { REQUEST_FACTS } from '@ckm/requests';
import { type BareCaller, type BareServer, TEST_TIME, testPerson } from '../../sessions/test/bare-server.js';
import { alice, type BareServers, type MadeKey, makeKey } from '../../sessions/test/bare-servers.js';

export const HOUR = 3_600;
export const DAY = 86_400;

/** Three people who are asked, with keys of their own. */
export const PEOPLE: Readonly<Record<string, Identity>> = {
  ann: testPerson(0x11),
  bob: testPerson(0x12),
  cy: testPerson(0x13),
};
const EVERYBODY = Object.keys(PEOPLE);

export function approver(name: string): NonNullable<KeyTerms['approvers']>[number] {
  const { xid, publicKeys } = PEOPLE[name]!;
  return { name, xid: xid.slice(), keys: [{ kind: 'ed25519', key: publicKeys.signing.bytes }] };
}

/** Terms by which two of three are asked for each message that is not of the domain `test`, and for other terms. */
export function peopleTerms(base: KeyTerms, more: Partial<KeyTerms> = {}): KeyTerms {
  return {
    ...base,
    ownerKey: new Uint8Array(32).fill(9),
    approvers: EVERYBODY.map(approver),
    approvals: [
      { when: { fact: 'domain', among: ['test'] }, needed: 0, of: [] },
      { when: { fact: 'domain', beyond: ['test'] }, needed: 2, of: EVERYBODY },
    ],
    change: { needed: 2, of: EVERYBODY, delaySeconds: 3 * DAY, words: 30 * DAY },
    ...more,
  };
}

/** The next version of terms. */
export function following(before: KeyTerms, content: KeyTerms): KeyTerms {
  const { version: _version, previous: _previous, ...kept } = content;
  return { ...kept, version: versionOf(before) + 1, previous: policyHash(before) };
}

export interface TermsWorld {
  servers: BareServer[];
  readonly made: MadeKey;
  /** Alice’s words at a server. */
  words(at?: number): Promise<BareCaller>;
  /** A device of hers that may manage; the first asking lets it in. */
  laptop(at?: number): BareCaller;
  phone(at?: number): BareCaller;
  now(): number;
  /** Has devices be there for long, without the time that this takes. */
  growUp(): Promise<void>;
  /** Lets time pass in which all servers run, as they count it. */
  pass(seconds: number): Promise<void>;
  /** Sets the date on, of machines that were off. */
  jump(seconds: number): void;
  inForce(at?: number): Promise<KeyTerms>;
  /** A change from the terms in force at the first server. */
  change(content: KeyTerms | ((before: KeyTerms) => KeyTerms), id?: number): Promise<TermsLink>;
  vote(name: string, link: TermsLink, more?: Partial<VoteStatement>): Uint8Array;
}

const STEP = 1_200;

/** Servers with a key of Alice’s, on clocks that a test moves. */
export async function createTermsWorld(
  network: BareServers,
  count = 2,
  options: Parameters<BareServers['openMany']>[1] = {},
): Promise<TermsWorld> {
  let now = TEST_TIME;
  const { servers, callers } = await network.openMany(count, { ...options, now: () => now });
  const made = await makeKey(callers);
  const [laptop, phone] = [101, 102].map((byte) =>
    createIdentity(secret(new Uint8Array(32).fill(byte)), alice.xid),
  ) as [Identity, Identity];
  for (const [at, { context }] of servers.entries()) {
    const before = firstDevices(context.identity.xid, alice.xid, alice.publicKeys);
    const keys = [deviceKey(laptop.publicKeys, ['use', 'manage']), deviceKey(phone.publicKeys, ['use'])];
    const signed = signDevices(nextDevices(before, keys, deviceId(alice.publicKeys)), alice);
    await callers[at]!.call('device.update', { documents: [signed] });
  }
  const world: TermsWorld = {
    servers,
    made,
    words: (at = 0) => world.servers[at]!.as(alice),
    laptop: (at = 0) => world.servers[at]!.asDevice(laptop),
    phone: (at = 0) => world.servers[at]!.asDevice(phone),
    now: () => now,
    async growUp() {
      for (const { context } of world.servers) {
        await context.storage.transact(async ({ youngDevices }) => {
          for (const { id } of await youngDevices.of(alice.xid)) await youngDevices.remove(alice.xid, id);
        });
      }
    },
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= STEP) {
        now += Math.min(STEP, left);
        for (const server of world.servers) await server.sessions.sweep();
      }
    },
    jump: (seconds) => void (now += seconds),
    async inForce(at = 0) {
      const { terms } = await (await world.words(at)).call('terms.show', { keyId: made.keyId, after: null });
      return parseTerms(terms, REQUEST_FACTS);
    },
    async change(content, id = 1) {
      const before = await world.inForce();
      const after = following(before, typeof content === 'function' ? content(before) : content);
      const change = changeOfTerms({ keyId: made.keyId, id: new Uint8Array(32).fill(id) }, before, after);
      return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
    },
    vote: (name, link, more = {}) => {
      const audience = world.servers.map(({ context }) => context.identity.xid);
      return termsVote(name, link, audience, { issuedAt: now, expiresAt: now + 14 * DAY, ...more });
    },
  };
  return world;
}

/** What one of {@link PEOPLE} says of a change. */
export function termsVote(
  name: string,
  link: Pick<TermsLink, 'statement'>,
  audience: readonly Uint8Array[],
  more: Partial<VoteStatement> = {},
): Uint8Array {
  return termsVoteBy(PEOPLE[name]!, link, audience, more);
}

/** The same of anybody. */
export function termsVoteBy(
  identity: Identity,
  { statement }: Pick<TermsLink, 'statement'>,
  audience: readonly Uint8Array[],
  more: Partial<VoteStatement> = {},
): Uint8Array {
  const change = parseTermsChange(statement);
  const { serverId: _server, ...said } = ballotOfTerms(change, {
    serverId: new Uint8Array(32),
    expiresAt: 0,
  });
  return signVote(identity, {
    ...said,
    v: 1,
    verdict: 'yes',
    serial: 1,
    approver: identity.xid.slice(),
    audience: audience.map((xid) => xid.slice()).toSorted(compareBytes),
    epoch: 0,
    transcriptHash: new Uint8Array(32),
    descriptionHash: termsChangeDigest(change),
    reason: null,
    issuedAt: TEST_TIME,
    expiresAt: TEST_TIME + 14 * DAY,
    ...more,
  });
}

/** The code with which something is refused, or that it was done. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
