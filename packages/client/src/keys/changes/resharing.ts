import { EVERYONE, type Packet, type ReshareOffer, reshareOffer, reshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import {
  type CertifiedEpoch,
  type ChangeParams,
  encodeChange,
  encodeChangeCertificate,
  type Fault,
  findReshareFault,
  hashOrder,
  type KeyParams,
  parseChange,
  parseStatement,
  type PartyIndex,
  type ReshareMessage,
  reshareProtocol,
  seatsOf,
  type SignedChange,
  verifyChangeParams,
  verifySignedChange,
} from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import { CHANGE_STEPS } from '../../progress/job-steps.js';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Ceremony, Ending, Plan } from '../../sessions/ceremony.js';
import { type SessionRecord, sessionPath } from '../../sessions/session-record.js';
import { corrupt, readRecord } from '../../store/record-reader.js';
import { withNames } from '../generation/with-names.js';
import { type CheckedEpoch, encodeChecked, readChecked } from '../chain/key-chain.js';

/** What a session that moved shares leaves: the next epoch as its whole roster signed it, which nobody has decided on. */
export interface MovedShares {
  readonly kind: 'reshare';
  /** As old members are shown it: the certificate of the change without votes. */
  readonly signed: Uint8Array;
}

const ROUNDS = [CHANGE_STEPS.deal, CHANGE_STEPS.check];

/** The moving of shares from one epoch to the next, as the client of the key's owner carries it. */
export const resharing: Ceremony<MovedShares> = {
  kind: 'reshare',
  protocol: reshareProtocol.id,
  job: 'change',
  rounds: ROUNDS,
  again: null,
  title: ({ keyName }) => `moving the shares of ${keyName}`,
  details(session) {
    const { proposal } = readSession(session);
    const { quorum, epoch } = proposal.order;
    return [['Makes', `epoch ${epoch + 1} of ${session.keyName}, ${quorum.needed} of ${quorum.of}`]];
  },
  assemble: assembleChange,
  plan(parameters, session): Plan {
    const change = parseChange(parameters);
    const seats = seatsOf(readSession(session).before, change);
    const those = (is: 'dealer' | 'receiver') =>
      seats.filter((seat) => seat[is] !== null).map(({ seat }) => seat);
    return {
      epoch: change.next.epoch,
      speeches: [[{ from: those('dealer'), to: EVERYONE }], [{ from: those('receiver'), to: EVERYONE }]],
    };
  },
  findFault,
  conclude,
  giveUp: () => Promise.resolve(),
};

/**
 * What such a session remembers and tells no server.
 * @param staticKeys of all epochs before the deciding one
 * @param termsHash of the terms under which it was ordered
 */
export function notesOf(
  checked: CheckedEpoch,
  staticKeys: readonly Uint8Array[],
  termsHash: Uint8Array,
): Data {
  return { ...(encodeChecked(checked) as object), staticKeys: [...staticKeys], termsHash };
}

/** @throws StorageError `STORE_CORRUPT` */
function readSession({ sessionId, proposal, notes }: SessionRecord) {
  const path = sessionPath(sessionId);
  const parsed = reshareProposal.safeParse(proposal);
  if (!parsed.success) throw corrupt(path);
  const record = readRecord(path, encodeData({ version: 1, notes }));
  const noted = record.record('notes');
  const staticKeys = noted.has('staticKeys') ? noted.list('staticKeys') : [];
  const before = readChecked(path, noted).epoch;
  const termsHash = noted.has('termsHash') ? noted.bytes('termsHash', 32) : before.params.termsHash;
  return { proposal: parsed.data, before, staticKeys, termsHash };
}

/**
 * Checks what every server offers and puts the parameters of the change together.
 * @throws PeerFaultError `FAULT_OFFER_INVALID`, `FAULT_ROSTER`, naming the servers
 */
function assembleChange(
  session: SessionRecord,
  given: ReadonlyMap<Participant, Data>,
  { checkedChanges }: Pick<ClientContext, 'checkedChanges'>,
): Uint8Array {
  const { proposal, before, staticKeys, termsHash } = readSession(session);
  const { order, dealers } = proposal;
  const participants = [...given.keys()].sort((a, b) => a.slot - b.slot);
  const offers = participants.map((one) => reshareOffer.safeParse(given.get(one)).data ?? null);
  const slotOf = ({ server }: Participant) =>
    before.params.roster.find(({ serverId }) => equalBytes(serverId, server.xid))?.slot ?? null;
  const isDealer = (one: Participant) => dealers.some((slot) => slot === slotOf(one));
  const wrong = participants.filter((one, i) => !isAsAsked(one, offers[i]!, order.quorum.of, isDealer(one)));
  if (wrong.length > 0)
    throw serverFault('FAULT_OFFER_INVALID', wrong, 'offered something else than it was asked for');
  const dealing = participants.flatMap((one, i) =>
    isDealer(one) ? [{ epoch: order.epoch, slot: slotOf(one)!, nonce: offers[i]!.dealer!.nonce }] : [],
  );
  const receiving = offers.slice(0, order.quorum.of).map((offer) => offer!.receiver!);
  const again = participants.filter((_, i) => isOneOf(staticKeys, offers[i]!.receiver?.staticKey));
  if (again.length > 0)
    throw serverFault('FAULT_OFFER_INVALID', again, 'offered a static key of an earlier epoch');
  const { flags } = before.params;
  // A server that gave its share out says so, and takes part in nothing that does not: what left does not come back.
  const isExported = flags.exportable && offers.some((offer) => offer!.exported === true);
  const next: KeyParams = {
    ...before.params,
    termsHash,
    flags: { ...flags, exported: flags.exported || isExported },
    epoch: order.epoch + 1,
    previous: before.transcriptHash,
    quorum: order.quorum,
    roster: receiving.map(({ nonce: _nonce, ...entry }, i) => ({ ...entry, slot: (i + 1) as PartyIndex })),
  };
  const change: ChangeParams = {
    next,
    order: hashOrder(order),
    termsVersion: order.termsVersion,
    dealers: dealing.sort((a, b) => a.slot - b.slot),
    nonces: receiving.map(({ nonce }) => nonce),
  };
  try {
    verifyChangeParams(before, change, checkedChanges);
    return encodeChange(change);
  } catch (error) {
    throw withNames(error, participants);
  }
}

function isOneOf(known: readonly Data[], key: Uint8Array | undefined): boolean {
  return key !== undefined && known.some((one) => one instanceof Uint8Array && equalBytes(one, key));
}

const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/** Whether an offer is of what its server does in the change, under its own pinned identity. */
function isAsAsked(
  { slot, server }: Participant,
  offer: ReshareOffer | null,
  receivers: number,
  isDealer: boolean,
): boolean {
  if (offer === null || (offer.receiver !== null) !== slot <= receivers) return false;
  if ((offer.dealer !== null) !== isDealer) return false;
  const { receiver } = offer;
  return (
    receiver === null ||
    (equalBytes(receiver.serverId, server.xid) &&
      equalBytes(receiver.identityKey, server.publicKeys.signing.bytes) &&
      equalBytes(receiver.sealingKey, server.publicKeys.agreement) &&
      VISIBLE_ASCII.test(receiver.url))
  );
}

function findFault(
  parameters: Uint8Array,
  rounds: readonly (readonly Packet[])[],
  session: SessionRecord,
): Fault | null {
  const heard: ReshareMessage[][] = [];
  for (const [round, packets] of rounds.entries()) {
    const messages = packets.map(({ payload }) => decode(payload));
    const culprits = packets.flatMap(({ from }, i) => (messages[i] === null ? [from as PartyIndex] : []));
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
    heard.push(messages.filter((message) => message !== null));
  }
  const { before } = readSession(session);
  const change = parseChange(parameters);
  return findReshareFault(before, change, inOrderOfDealers(before, change, heard, rounds));
}

/** Packets come in order of seats; the first round is judged in the order of the dealers. */
function inOrderOfDealers(
  before: CertifiedEpoch,
  change: ChangeParams,
  heard: readonly (readonly ReshareMessage[])[],
  rounds: readonly (readonly Packet[])[],
): readonly (readonly ReshareMessage[])[] {
  const [deals, ...rest] = heard;
  if (deals === undefined) return [];
  const froms = rounds[0]!.map(({ from }) => from);
  const seats = seatsOf(before, change);
  const sorted = change.dealers.flatMap((_, dealer) => {
    const seat = seats.find((one) => one.dealer === dealer)!.seat;
    const message = deals[froms.indexOf(seat)];
    return message === undefined ? [] : [message];
  });
  return [sorted, ...rest];
}

/** Puts together what the whole next roster signed, and checks it from scratch. @throws PeerFaultError naming the servers */
async function conclude(ending: Ending): Promise<MovedShares> {
  const { session, parameters, participants } = ending;
  const read = readSession(session);
  const { before } = read;
  const change = parseChange(parameters);
  const rounds = [0, 1].map((round) => ending.packets(round));
  const heard = rounds.map((packets) =>
    packets.map(({ payload }) => reshareProtocol.message.decode(payload)),
  );
  const [deals = [], prepared = []] = inOrderOfDealers(before, change, heard, rounds);
  const signed: SignedChange = {
    change,
    deals: deals.filter((message) => message.round === 0),
    signatures: prepared.flatMap((message) => (message.round === 1 ? [message.signature] : [])),
  };
  try {
    verifySignedChange(before, signed, ending.context.checkedChanges);
  } catch (error) {
    throw withNames(error, participants);
  }
  // Whoever hears all signatures ends its session; the change needs nobody to. Those that are asked for their lock next are shown all of it with that.
  const others = participants.filter((participant) => !hasPromised(read, participant));
  await Promise.allSettled(others.map((participant) => ending.handOut(participant)));
  const none = new Uint8Array();
  return {
    kind: 'reshare',
    signed: encodeChangeCertificate({ kind: 'change', ...signed, promises: none, yields: none }),
  };
}

/** Whether a server has promised to take part as an old member: then it is asked for its lock. */
function hasPromised({ proposal, before }: ReturnType<typeof readSession>, { server }: Participant): boolean {
  const slot = before.params.roster.find(({ serverId }) => equalBytes(serverId, server.xid))?.slot;
  return proposal.promises.some((promise) => parseStatement(promise).slot === slot);
}

function decode(payload: Uint8Array): ReshareMessage | null {
  try {
    return reshareProtocol.message.decode(payload);
  } catch {
    return null;
  }
}
