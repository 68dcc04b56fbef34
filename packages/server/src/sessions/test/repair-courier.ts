import { randomBytes } from 'node:crypto';
import {
  encodeRepairParameters,
  helpOffer,
  type KeyPolicy,
  lossOffer,
  parsePacket,
  type RepairHelperProposal,
  type RepairTargetProposal,
  type SessionView,
} from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import {
  encodeRepair,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  parseLoss,
  type PartyIndex,
  verifyChain,
  verifyRepair,
} from '@ckm/threshold';
import type { BareCaller, BareServer } from './bare-server.js';
import { type MadeKey, SOON } from './bare-servers.js';

/** What a courier may do with a packet on its way to one slot: none drops it, itself passes it on. */
export type OnTheWay = (packet: Uint8Array, to: number) => readonly Uint8Array[];

export interface RepairOptions {
  /** In slot order. */
  readonly servers: BareServer[];
  readonly callers: BareCaller[];
  readonly made: MadeKey;
  readonly policy: KeyPolicy;
  /** The slot whose share is lost. */
  readonly target: number;
  readonly helpers: readonly number[];
  /** Certificates of all epochs; default: the one that made the key. */
  readonly chain?: readonly Uint8Array[];
  readonly expiresAt?: number;
  readonly onTheWay?: OnTheWay;
}

/**
 * A repair as an untrusted courier carries it, call by call: between any two of them a test may stop, restart or change
 * whatever it likes. A call that failed may be made again.
 */
export interface RepairCourier {
  readonly sessionId: Uint8Array;
  /** By slot: what each server said last. */
  readonly views: ReadonlyMap<number, SessionView>;
  readonly packets: readonly Uint8Array[];
  proposalToTarget(): RepairTargetProposal;
  proposalToHelper(loss?: Uint8Array): RepairHelperProposal;
  proposeToTarget(): Promise<SessionView>;
  proposeToHelper(slot: number, loss?: Uint8Array): Promise<SessionView>;
  /** The operator of a slot says yes to what waits there. */
  approve(slot: number): Promise<void>;
  /** What the target said of its loss; it must have said it. */
  loss(): Uint8Array;
  /** @param loss default: what the target said in this session */
  parameters(loss?: Uint8Array): Uint8Array;
  join(slot: number, parameters?: Uint8Array): Promise<SessionView>;
  deliver(slot: number): Promise<SessionView>;
  /** Everything up to where every server has joined. */
  begin(): Promise<void>;
  /** Carries packets until nobody has anything new to hear. */
  finish(): Promise<ReadonlyMap<number, SessionView>>;
}

export function createRepairCourier(options: RepairOptions): RepairCourier {
  const { made, policy, target, expiresAt = SOON, onTheWay = (packet) => [packet] } = options;
  const helpers = options.helpers.toSorted((a, b) => a - b);
  const { keyId, certificate } = made;
  const { chain = [certificate] } = options;
  const epoch = chain.length - 1;
  const sessionId = new Uint8Array(randomBytes(32));
  const changes = chain.slice(1).map(parseChangeCertificate);
  const key = verifyChain(parseCertificate(chain[0]!), changes, judgeVotes).at(-1)!;
  const views = new Map<number, SessionView>();
  const packets = new Map<string, Uint8Array>();
  const given = new Map<number, Set<string>>();
  const callerOf = (slot: number) => options.callers[slot - 1]!;
  const seatOf = (slot: number) => (slot === target ? helpers.length : helpers.indexOf(slot)) + 1;

  function heard(slot: number, view: SessionView): SessionView {
    views.set(slot, view);
    for (const bytes of view.outbox) packets.set(encodeHex(bytes), bytes);
    return view;
  }

  function arriving(slot: number): Uint8Array[] {
    const seat = seatOf(slot);
    const concerning = [...packets.values()].filter((bytes) => {
      const { from, to } = parsePacket(bytes);
      return from !== seat && (to === 0 || to === seat);
    });
    const known = given.get(slot) ?? new Set();
    return concerning
      .flatMap((bytes) => onTheWay(bytes, slot))
      .filter((bytes) => !known.has(encodeHex(bytes)));
  }

  const courier: RepairCourier = {
    sessionId,
    views,
    get packets() {
      return [...packets.values()];
    },
    proposalToTarget: () => ({
      kind: 'repair',
      role: 'target',
      keyId,
      epoch,
      chain: [...chain],
      policy,
    }),
    proposalToHelper: (loss = courier.loss()) => ({
      kind: 'repair',
      role: 'helper',
      keyId,
      epoch,
      slot: target,
      loss,
    }),
    async proposeToTarget() {
      const proposal = { ...courier.proposalToTarget() };
      return heard(
        target,
        await callerOf(target).call('session.propose', { sessionId, proposal, expiresAt }),
      );
    },
    async proposeToHelper(slot, loss) {
      const proposal = { ...courier.proposalToHelper(loss) };
      return heard(slot, await callerOf(slot).call('session.propose', { sessionId, proposal, expiresAt }));
    },
    async approve(slot) {
      const { sessionDesk } = options.servers[slot - 1]!.sessions;
      const { sessions } = await sessionDesk.list();
      const waiting = sessions.find((one) => encodeHex(one.sessionId) === encodeHex(sessionId));
      if (waiting === undefined) throw new Error('nothing waits there');
      await sessionDesk.approve(waiting);
    },
    loss: () => lossOffer.parse(views.get(target)?.offer).loss,
    parameters(said = courier.loss()) {
      const loss = parseLoss(key.params.suite, said);
      const repair = encodeRepair(verifyRepair({ key, loss, helpers: helpers as PartyIndex[] }));
      const nonces = helpers.map((slot) => helpOffer.parse(views.get(slot)?.offer).nonce);
      return encodeRepairParameters({ repair, nonces });
    },
    async join(slot, parameters = courier.parameters()) {
      return heard(slot, await callerOf(slot).call('session.join', { sessionId, parameters }));
    },
    async deliver(slot) {
      const now = arriving(slot);
      const call = { sessionId, packets: now, after: 0 };
      const view = heard(slot, await callerOf(slot).call('session.deliver', call));
      given.set(slot, new Set([...(given.get(slot) ?? []), ...now.map(encodeHex)]));
      return view;
    },
    async begin() {
      await courier.proposeToTarget();
      await courier.approve(target);
      await courier.proposeToTarget();
      for (const slot of helpers) {
        await courier.proposeToHelper(slot);
        await courier.approve(slot);
        await courier.proposeToHelper(slot);
      }
      for (const slot of [...helpers, target]) await courier.join(slot);
    },
    async finish() {
      for (let turn = 0; turn < 8; turn++) {
        for (const slot of [...helpers, target]) {
          if (views.get(slot)?.state === 'running' && arriving(slot).length > 0) await courier.deliver(slot);
        }
      }
      return views;
    },
  };
  return courier;
}
