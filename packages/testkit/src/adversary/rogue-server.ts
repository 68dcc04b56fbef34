import { randomBytes } from 'node:crypto';
import {
  parsePacket,
  previousHash,
  runIdOf,
  signIdentityStatement,
  signPacket,
  verifyPacket,
  type FunctionName,
  type Packet,
  type PacketBody,
  type Parameters,
  type DkgProposal,
  type Result,
  type RosterOffer,
  type SessionView,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import {
  createStaticKey,
  dkgProtocol,
  encodeKeyParams,
  parseKeyParams,
  staticKeyStatement,
  type DkgMessage,
  type DkgOutput,
  type DkgState,
  type KeyParams,
  type PartyIndex,
  type Step,
} from '@ckm/threshold';
import type { Callee } from '../callee.js';

/** What a rogue does to its own words before it signs them: any number of packets in the place of one. */
export type Tamper = (said: PacketBody, sign: (body: PacketBody) => Uint8Array) => readonly Uint8Array[];

export interface RogueServer extends Callee {
  readonly identity: Identity;
  /** Signs whatever it is told to. */
  sign(body: PacketBody): Uint8Array;
  /** What came out of the run, if it ever finished here. */
  readonly output: DkgOutput | null;
}

interface Session {
  readonly proposal: DkgProposal;
  readonly offer: RosterOffer;
  readonly seed: Uint8Array;
  view: SessionView;
  key: KeyParams | null;
  me: PartyIndex;
  step: Step<DkgState, DkgMessage, DkgOutput> | null;
  packets: Packet[];
  outbox: Uint8Array[];
}

/**
 * A server in the adversary's hands: it takes part in key generation by the rules, except that `lie` decides what leaves.
 * It answers `session.*` only.
 */
export function createRogueServer(name: string, lie: Tamper = (said, sign) => [sign(said)]): RogueServer {
  const identity = createIdentity(secret(new Uint8Array(randomBytes(32))));
  const sessions = new Map<string, Session>();
  let output: DkgOutput | null = null;
  const sign = (body: PacketBody) => signPacket(identity, body);

  function say(sessionId: Uint8Array, session: Session): void {
    const { step, key, me } = session;
    if (step === null || key === null) return;
    for (const { round, body } of step.kind === 'aborted' ? [] : step.outbox) {
      const previous = previousHash(session.packets.filter((packet) => packet.round === round - 1));
      const { keyId, epoch } = key;
      const payload = dkgProtocol.message.encode(body);
      const said = {
        protocol: dkgProtocol.id,
        keyId,
        epoch,
        sessionId: runIdOf(sessionId, encodeKeyParams(key)),
        round,
        from: me,
        to: 0,
        previous,
        payload,
      };
      session.packets.push(parsePacket(sign(said)));
      session.outbox.push(...lie(said, sign));
    }
    if (step.kind === 'finished') output = step.output;
  }

  function show(session: Session): SessionView {
    const { step, key } = session;
    const state = step === null ? 'accepted' : step.kind === 'waiting' ? 'running' : step.kind;
    const round = step?.kind === 'waiting' ? dkgProtocol.awaiting(step.state).round : 2;
    const fault = step?.kind === 'aborted' ? { ...step.fault, culprits: [...step.fault.culprits] } : null;
    void key;
    return { ...session.view, state, round: step === null ? 0 : round, outbox: [...session.outbox], fault };
  }

  function join(sessionId: Uint8Array, session: Session, parameters: Uint8Array): void {
    if (session.key !== null) return;
    const key = parseKeyParams(parameters);
    session.key = key;
    session.me = key.roster.find(({ serverId }) => hex(serverId) === hex(identity.xid))!.slot;
    const { staticSecret } = createStaticKey(key.suite, key.keyId, 0, session.seed);
    session.step = dkgProtocol.start({ key, me: session.me, staticSecret }, new Uint8Array(randomBytes(32)));
    say(sessionId, session);
  }

  function deliver(sessionId: Uint8Array, session: Session, delivered: readonly Uint8Array[]): void {
    for (const packet of delivered.map(parsePacket)) {
      const entry = session.key?.roster[packet.from - 1];
      const known = session.packets.some(({ from, round }) => from === packet.from && round === packet.round);
      if (!known && entry !== undefined && verifyPacket(packet, entry.identityKey))
        session.packets.push(packet);
    }
    while (session.step?.kind === 'waiting') {
      const before = dkgProtocol.awaiting(session.step.state);
      const heard = session.packets.filter(
        ({ from, round }) => round === before.round && from !== session.me,
      );
      if (heard.length < before.from.length) return;
      session.step = dkgProtocol.advance(
        session.step.state,
        heard.map(({ from, round, payload }) => ({
          from: from as PartyIndex,
          round,
          body: dkgProtocol.message.decode(payload),
        })),
      );
      say(sessionId, session);
    }
  }

  async function call<F extends FunctionName>(name: F, given: Parameters<F>): Promise<Result<F>> {
    const parameters = given as { sessionId: Uint8Array };
    const { sessionId } = parameters;
    if (name === 'session.propose') {
      const { proposal, expiresAt } = given as Parameters<'session.propose'>;
      const known =
        sessions.get(hex(sessionId)) ?? openSession(identity, sessionId, proposal as DkgProposal, expiresAt);
      sessions.set(hex(sessionId), known);
    }
    const session = sessions.get(hex(sessionId));
    if (session === undefined) throw new Error(`the rogue server does not answer ${name}`);
    if (name === 'session.join') join(sessionId, session, (given as Parameters<'session.join'>).parameters);
    if (name === 'session.deliver') {
      deliver(sessionId, session, (given as Parameters<'session.deliver'>).packets);
    }
    return show(session) as Result<F>;
  }

  return {
    name,
    identity,
    sign,
    get output() {
      return output;
    },
    call,
  };
}

function openSession(
  identity: Identity,
  sessionId: Uint8Array,
  proposal: DkgProposal,
  expiresAt: number,
): Session {
  const seed = new Uint8Array(randomBytes(32));
  const { suite, keyId } = proposal;
  const { staticKey, staticProof } = createStaticKey(suite, keyId, 0, seed);
  const { signing, agreement } = identity.publicKeys;
  const serverId = new Uint8Array(identity.xid);
  const who = { serverId, identityKey: signing.bytes, sealingKey: agreement };
  const statement = staticKeyStatement({ suite, keyId, epoch: 0, ...who, staticKey, staticProof });
  const identitySignature = signIdentityStatement(identity, statement);
  const offer = { ...who, staticKey, staticProof, identitySignature, url: '' };
  const view: SessionView = {
    sessionId,
    kind: 'dkg',
    state: 'accepted',
    offer,
    round: 0,
    awaiting: [],
    outbox: [],
    next: null,
    result: null,
    fault: null,
    reason: null,
    expiresAt,
  };
  return { proposal, offer, seed, view, key: null, me: 1 as PartyIndex, step: null, packets: [], outbox: [] };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
