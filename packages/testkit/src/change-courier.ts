// Longer than other files, because it is one courier: a change carried by hand, each step of which a test may leave out or repeat.
import { randomBytes } from 'node:crypto';
import {
  type ChangeOrder,
  type ChangeView,
  type KeyTerms,
  type LockedChange,
  type Parameters,
  parsePacket,
  policyHash,
  type ReshareOffer,
  type ReshareProposal,
  type Result,
  type SessionView,
  versionOf,
} from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  type ChangeParams,
  encodeChange,
  encodeChangeCertificate,
  encodeLockCertificate,
  encodeVotes,
  hashOrder,
  judgeVotes,
  membersNeeded,
  parseCertificate,
  parseChangeCertificate,
  parseStatement,
  type PartyIndex,
  reshareProtocol,
  seatsOf,
  type Signed,
  type SignedChange,
  type Statement,
  verifyChain,
  verifySignedChange,
} from '@ckm/threshold';
import type { Callee } from './callee.js';

/** A server of the next roster, and who it says to be. */
export interface NextMember {
  readonly callee: Callee;
  readonly serverId: Uint8Array;
  readonly identityKey: Uint8Array;
}

export interface ChangeOptions {
  /** The servers of the epoch in use, in order of its slots. */
  readonly servers: readonly Callee[];
  readonly keyId: Uint8Array;
  /** UnixSeconds: of the session. */
  readonly expiresAt: number | (() => number);
  /** The next roster, in order of its slots; the same servers when left out. */
  readonly next?: readonly NextMember[];
  readonly needed?: number;
  /** Slots of the epoch in use; the first ones when left out. */
  readonly dealers?: readonly number[];
  /** Whether the words order it, so that a quorum decides. */
  readonly byWords?: true;
  /** In force when it is ordered; those that are certified when left out. */
  readonly terms?: KeyTerms;
}

/** Old members who are asked, by slot; all when left out. */
type Asked = readonly number[] | undefined;

/** What the whole next roster signed, and the epoch that it would make. */
export interface WholeChange {
  readonly signed: SignedChange;
  /** As old members are shown it: without votes. */
  readonly bytes: Uint8Array;
  readonly epoch: CertifiedEpoch;
}

/**
 * A change of who holds a key, as somebody carries it by hand from server to server, step by step: a test may leave
 * steps out, repeat them, and restart whatever it likes between them. Believes nothing, remembers only what it was told.
 */
export interface CarriedChange {
  readonly before: CertifiedEpoch;
  readonly order: ChangeOrder;
  readonly orderHash: Uint8Array;
  /** How many old members decide. */
  readonly decisive: number;
  propose(): Promise<readonly ChangeView[]>;
  /** @param more what a member who forgot has drawn; lock certificates to be shown */
  promise(
    attempt: number,
    asked?: Asked,
    shown?: readonly Uint8Array[],
    more?: { readonly recall?: Uint8Array | null; readonly locked?: readonly LockedChange[] },
  ): Promise<Uint8Array[]>;
  /** The session that moves the shares. @throws when it does not finish everywhere */
  move(attempt: number, promises: readonly Uint8Array[]): Promise<WholeChange>;
  lock(
    attempt: number,
    whole: WholeChange,
    promises: readonly Uint8Array[],
    asked?: Asked,
    locked?: readonly LockedChange[],
  ): Promise<Uint8Array[]>;
  /** The lock certificate of these locks. */
  locksOf(attempt: number, whole: WholeChange, locks: readonly Uint8Array[]): Uint8Array;
  yield(whole: WholeChange, locks: Uint8Array, asked?: Asked): Promise<Uint8Array[]>;
  certify(
    attempt: number,
    whole: WholeChange,
    votes: Record<'promises' | 'locks' | 'yields', readonly Uint8Array[]>,
  ): Uint8Array;
  /** What members of the next roster, all when left out, sign when they have stored a certificate: nobody goes over by it. */
  acknowledge(certificate: Uint8Array, asked?: Asked): Promise<Acknowledgement[]>;
  /** At everybody, old members and new ones, each of which is shown what new ones have acknowledged: they go over. */
  commit(certificate: Uint8Array): Promise<readonly Result<'change.commit'>[]>;
  /** At every old member. */
  retire(committed: readonly Result<'change.commit'>[]): Promise<readonly Result<'change.retire'>[]>;
  /** The next roster, in order of its slots. */
  readonly members: readonly Callee[];
  /** Everybody that is told of the change: old members, then those that join. */
  readonly everybody: readonly Callee[];
}

/** Asks for the key and prepares the order. */
export async function carryChange(options: ChangeOptions): Promise<CarriedChange> {
  const { servers, keyId, byWords = false } = options;
  const policy = options.terms ?? (await servers[0]!.call('key.show', { keyId })).policy;
  const chain = await fetchChain(servers[0]!, keyId);
  const [first, ...changes] = chain;
  const epochs = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes);
  const before = epochs.at(-1)!;
  const order = orderFor({ ...options, terms: policy }, before);
  const orderHash = hashOrder(order);
  const epoch = order.epoch;
  const next = options.next ?? before.params.roster.map((entry, i) => ({ ...entry, callee: servers[i]! }));
  const members = next.map(({ callee }) => callee);
  const everybody = [...servers, ...members.filter((one) => !servers.includes(one))];
  const askedOf = (asked: Asked) => servers.filter((_, i) => asked?.includes(i + 1) ?? true);

  return {
    before,
    order,
    orderHash,
    members,
    everybody,
    decisive: byWords
      ? before.params.quorum.needed
      : membersNeeded(before.params.quorum, before.params.flags.strict),
    propose: () =>
      all(everybody, (one) =>
        one.call('change.propose', { order, chain, policy, ...(byWords ? { byWords } : {}) }),
      ),
    promise: (attempt, asked, shown = [], { recall = null, locked = [] } = {}) =>
      all(askedOf(asked), async (one) => {
        const said = { keyId, epoch, orderHash, attempt, shown: [...shown], recall, locked: [...locked] };
        return (await one.call('change.promise', said)).statement;
      }),
    move: (attempt, promises) =>
      move({ ...options, terms: policy, before, order, members, attempt, promises }),
    lock: (attempt, { bytes }, promises, asked, locked = []) =>
      all(askedOf(asked), async (one) => {
        const shown = { promises: [...promises], locked: [...locked] };
        return (await one.call('change.lock', { keyId, epoch, attempt, signed: bytes, ...shown })).statement;
      }),
    locksOf: (attempt, whole, locks) =>
      encodeLockCertificate({
        attempt,
        next: whole.epoch.transcriptHash,
        locks: statementsOf(locks, 'lock'),
      }),
    yield: ({ bytes }, locks, asked) =>
      all(
        askedOf(asked),
        async (one) => (await one.call('change.yield', { keyId, epoch, locks, signed: bytes })).statement,
      ),
    certify: (attempt, whole, { promises, locks, yields }) =>
      encodeChangeCertificate({
        kind: 'change',
        ...whole.signed,
        ...encodeVotes({
          attempt,
          next: whole.epoch.transcriptHash,
          promises: statementsOf(promises, 'promise'),
          locks: statementsOf(locks, 'lock'),
          yields: statementsOf(yields, 'yield'),
        }),
      }),
    acknowledge: (certificate, asked) => acknowledge(members, keyId, certificate, asked),
    commit: async (certificate) => {
      const acknowledgements = await acknowledge(members, keyId, certificate, undefined);
      return all(everybody, (one) => one.call('change.commit', { keyId, certificate, acknowledgements }));
    },
    retire: (committed) => {
      const acknowledgements = acknowledgementsOf(members, everybody, committed);
      return all(servers, (one) => one.call('change.retire', { keyId, epoch, acknowledgements }));
    },
  };
}

/** A promise of a server of the next roster, by its slot there. */
export type Acknowledgement = Parameters<'change.retire'>['acknowledgements'][number];

async function acknowledge(
  members: readonly Callee[],
  keyId: Uint8Array,
  certificate: Uint8Array,
  asked: Asked,
): Promise<Acknowledgement[]> {
  const slots = members.map((_, i) => i + 1).filter((slot) => asked?.includes(slot) ?? true);
  return all(slots, async (slot) => {
    const { acknowledgement } = await members[slot - 1]!.call('change.commit', { keyId, certificate });
    return { slot, signature: acknowledgement! };
  });
}

/** A change from the order to the new epoch, everybody answering. */
export async function completeChange(
  change: CarriedChange,
  attempt = 1,
  slots?: readonly number[],
): Promise<Uint8Array> {
  await change.propose();
  const promises = await change.promise(attempt, slots);
  const whole = await change.move(attempt, promises);
  const locks = await change.lock(attempt, whole, promises, slots);
  const yields = await change.yield(whole, change.locksOf(attempt, whole, locks), slots);
  return change.certify(attempt, whole, { promises, locks, yields });
}

/** All certificates of a key, the generation first. */
export async function fetchChain(server: Callee, keyId: Uint8Array): Promise<Uint8Array[]> {
  const chain: Uint8Array[] = [];
  for (let after: number | null = null; ;) {
    const page: Result<'key.chain'> = await server.call('key.chain', { keyId, after });
    chain.push(...page.certificates);
    if (page.next === null) return chain;
    after = page.next;
  }
}

function orderFor({ next, needed, terms }: Under, { params, transcriptHash }: CertifiedEpoch): ChangeOrder {
  const roster = (next ?? params.roster).map(({ serverId, identityKey }) => ({ serverId, identityKey }));
  const quorum = { needed: needed ?? params.quorum.needed, of: roster.length };
  const termsVersion = versionOf(terms);
  return { keyId: params.keyId, epoch: params.epoch, transcriptHash, quorum, roster, termsVersion };
}

type Under = ChangeOptions & { readonly terms: KeyTerms };

interface Move extends Under {
  readonly before: CertifiedEpoch;
  readonly order: ChangeOrder;
  readonly members: readonly Callee[];
  readonly attempt: number;
  readonly promises: readonly Uint8Array[];
}

async function move(options: Move): Promise<WholeChange> {
  const { before, order, terms, servers, members, attempt, promises, expiresAt, keyId } = options;
  const { needed } = before.params.quorum;
  const dealers = options.dealers ?? Array.from({ length: needed }, (_, i) => i + 1);
  const proposal: ReshareProposal = {
    kind: 'reshare',
    keyId,
    order,
    dealers: [...dealers],
    attempt,
    promises: [...promises],
  };
  const sessionId = new Uint8Array(randomBytes(32));
  const dealing = dealers.map((slot) => servers[slot - 1]!);
  const parties = [...members, ...dealing.filter((one) => !members.includes(one))];
  const ask: Parameters<'session.propose'> = {
    sessionId,
    proposal: proposal as unknown as Parameters<'session.propose'>['proposal'],
    expiresAt: typeof expiresAt === 'number' ? expiresAt : expiresAt(),
  };
  const opened = await all(parties, (one) => one.call('session.propose', ask));
  const offers = opened.map(({ offer }) => offer as unknown as ReshareOffer);
  const offerOf = (one: Callee) => offers[parties.indexOf(one)]!;
  const change = paramsOfChange(before, terms, order, dealers, members.map(offerOf), dealing.map(offerOf));
  const parameters = encodeChange(change);
  const views = await all(parties, (one) => one.call('session.join', { sessionId, parameters }));
  const packets = await carryPackets(parties, sessionId, views);
  return assemble(before, change, packets);
}

function paramsOfChange(
  before: CertifiedEpoch,
  terms: KeyTerms,
  { quorum, termsVersion, ...order }: ChangeOrder,
  dealers: readonly number[],
  receiving: readonly ReshareOffer[],
  dealing: readonly ReshareOffer[],
): ChangeParams {
  const roster = receiving.map(({ receiver }, i) => {
    const { nonce: _nonce, ...entry } = receiver!;
    return { slot: (i + 1) as PartyIndex, ...entry };
  });
  const { params, transcriptHash } = before;
  return {
    next: {
      ...params,
      termsHash: policyHash(terms),
      epoch: params.epoch + 1,
      previous: transcriptHash,
      quorum,
      roster,
    },
    order: hashOrder({ ...order, quorum, termsVersion }),
    termsVersion,
    dealers: dealers.map((slot, i) => ({
      epoch: params.epoch,
      slot: slot as PartyIndex,
      nonce: dealing[i]!.dealer!.nonce,
    })),
    nonces: receiving.map(({ receiver }) => receiver!.nonce),
  };
}

/** Carries every packet to everybody until nobody says anything new. */
async function carryPackets(
  parties: readonly Callee[],
  sessionId: Uint8Array,
  joined: readonly SessionView[],
): Promise<readonly Uint8Array[]> {
  const packets = new Map<string, Uint8Array>();
  let views = joined;
  for (let count = -1; count < packets.size;) {
    count = packets.size;
    for (const { outbox } of views) for (const packet of outbox) packets.set(encodeHex(packet), packet);
    const known = [...packets.values()];
    views = await all(parties, (one, i) => {
      const others = known.filter((bytes) => parsePacket(bytes).from !== i + 1);
      return one.call('session.deliver', { sessionId, packets: others, after: 0 });
    });
    for (const { outbox } of views) for (const packet of outbox) packets.set(encodeHex(packet), packet);
  }
  const unfinished = views.find(({ state }) => state !== 'finished');
  if (unfinished !== undefined) throw new Error(`${unfinished.state}: ${unfinished.fault?.code}`);
  return [...packets.values()];
}

function assemble(before: CertifiedEpoch, change: ChangeParams, packets: readonly Uint8Array[]): WholeChange {
  const said = packets.map(parsePacket).map(({ from, payload }) => ({
    from,
    message: reshareProtocol.message.decode(payload),
  }));
  const seats = seatsOf(before, change);
  const deals = change.dealers.map((_, i) => {
    const { seat } = seats.find(({ dealer }) => dealer === i)!;
    return said.flatMap(({ from, message }) => (from === seat && message.round === 0 ? [message] : []))[0]!;
  });
  const signatures = change.next.roster.map(
    ({ slot }) =>
      said.flatMap(({ from, message }) =>
        from === slot && message.round === 1 ? [message.signature] : [],
      )[0]!,
  );
  const signed = { change, deals, signatures };
  const none = { promises: new Uint8Array(), yields: new Uint8Array() };
  const bytes = encodeChangeCertificate({ kind: 'change', ...signed, ...none });
  return { signed, bytes, epoch: verifySignedChange(before, signed) };
}

function acknowledgementsOf(
  members: readonly Callee[],
  everybody: readonly Callee[],
  committed: readonly Result<'change.commit'>[],
) {
  return members.flatMap((member, i) => {
    const signature = committed[everybody.indexOf(member)]?.acknowledgement ?? null;
    return signature === null ? [] : [{ slot: i + 1, signature }];
  });
}

function statementsOf<K extends Statement['kind']>(
  bytes: readonly Uint8Array[],
  kind: K,
): Extract<Signed<Statement>, { kind: K }>[] {
  return bytes
    .map(parseStatement)
    .filter((one): one is Extract<Signed<Statement>, { kind: K }> => one.kind === kind);
}

async function all<T, R>(items: readonly T[], ask: (item: T, at: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [at, item] of items.entries()) results.push(await ask(item, at));
  return results;
}
