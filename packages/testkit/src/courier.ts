import { randomBytes } from 'node:crypto';
import {
  parsePacket,
  policyHash,
  type KeyTerms,
  type DkgProposal,
  type RosterOffer,
  type SessionView,
} from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import {
  encodeKeyParams,
  firstEpoch,
  type KeyParams,
  type PartyIndex,
  type Quorum,
  type SuiteName,
} from '@ckm/threshold';
import type { Callee } from './callee.js';

/** A packet on its way to one server. */
export interface Passage {
  readonly packet: Uint8Array;
  /** Slots. */
  readonly from: number;
  readonly to: number;
  readonly round: number;
}

/**
 * What a courier does with a packet: nothing in the list drops it, itself passes it on, twice doubles it, anything else
 * takes its place. Asked each time the packet could be delivered, so that a dropped one can be let through later.
 */
export type Tampering = (passage: Passage) => readonly Uint8Array[];

export interface CeremonyOptions {
  /** In slot order. */
  readonly servers: readonly Callee[];
  readonly suite?: SuiteName;
  readonly purpose?: string;
  readonly needed?: number;
  readonly policy?: Partial<KeyTerms>;
  /** Whether its servers may give it out. Default: no. */
  readonly exportable?: boolean;
  /** Whether so many decide on a change of its servers that fewer liars than the quorum cannot fork it. Default: no. */
  readonly strict?: boolean;
  /** UnixSeconds. */
  readonly expiresAt: number;
  readonly keyId?: Uint8Array;
  readonly sessionId?: Uint8Array;
  readonly tampering?: Tampering;
  /** Rearranges what is delivered together. */
  readonly reorder?: (packets: readonly Uint8Array[]) => readonly Uint8Array[];
  /** Replaces the parameters that one server is handed. */
  readonly parametersFor?: (slot: number, parameters: KeyParams) => KeyParams;
}

/** One call that a courier made. */
export interface CourierStep {
  readonly slot: number;
  readonly call: 'propose' | 'join' | 'deliver';
}

/**
 * The making of one key as an untrusted courier carries it, one call at a time: between any two calls a test may kill,
 * restore or replace whatever it likes. A call that fails is made again by the next `next()`.
 */
export interface Ceremony {
  readonly keyId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly proposal: DkgProposal;
  /** What each server last said, in slot order; null before it was asked. */
  readonly views: readonly (SessionView | null)[];
  /** Every packet that any server ever said, in the order of their first appearance. */
  readonly packets: readonly Uint8Array[];
  /** Makes the next call, or returns null when there is none to make. */
  next(): Promise<CourierStep | null>;
  /** Makes calls until there is none left. */
  finish(): Promise<readonly SessionView[]>;
  /** The parameters everybody joins with; known once all have made their offers. */
  parameters(): KeyParams;
}

export function createCeremony(options: CeremonyOptions): Ceremony {
  const { servers, expiresAt } = options;
  const keyId = options.keyId ?? fresh();
  const sessionId = options.sessionId ?? fresh();
  const proposal = proposalOf(options, keyId);
  const views: (SessionView | null)[] = servers.map(() => null);
  const joined = servers.map(() => false);
  const given = servers.map(() => new Set<string>());
  const packets = new Map<string, Uint8Array>();

  function heard(slot: number, view: SessionView): void {
    views[slot - 1] = view;
    for (const packet of view.outbox) packets.set(encodeHex(packet), packet);
  }

  function parameters(): KeyParams {
    return paramsOf(
      proposal,
      views.map((view) => view!.offer as RosterOffer),
    );
  }

  async function propose(slot: number): Promise<CourierStep> {
    heard(slot, await servers[slot - 1]!.call('session.propose', { sessionId, proposal, expiresAt }));
    return { slot, call: 'propose' };
  }

  async function join(slot: number): Promise<CourierStep> {
    const agreed = options.parametersFor?.(slot, parameters()) ?? parameters();
    const view = await servers[slot - 1]!.call('session.join', {
      sessionId,
      parameters: encodeKeyParams(agreed),
    });
    joined[slot - 1] = true;
    heard(slot, view);
    return { slot, call: 'join' };
  }

  /** What a server has not been given yet, after the courier had his way with it. */
  function undelivered(to: number): Uint8Array[] {
    return [...packets.values()].flatMap((packet) => {
      const { from, round } = parsePacket(packet);
      if (from === to) return [];
      const arriving = options.tampering?.({ packet, from, to, round }) ?? [packet];
      return arriving.filter((bytes) => !given[to - 1]!.has(encodeHex(bytes)));
    });
  }

  async function deliver(slot: number, arriving: readonly Uint8Array[]): Promise<CourierStep> {
    const ordered = options.reorder?.(arriving) ?? arriving;
    const view = await servers[slot - 1]!.call('session.deliver', {
      sessionId,
      packets: [...ordered],
      after: 0,
    });
    for (const bytes of arriving) given[slot - 1]!.add(encodeHex(bytes));
    heard(slot, view);
    return { slot, call: 'deliver' };
  }

  async function next(): Promise<CourierStep | null> {
    const unasked = views.findIndex((view) => view === null);
    if (unasked >= 0) return propose(unasked + 1);
    if (views.some((view) => view!.state === 'accepted')) {
      const absent = joined.indexOf(false);
      if (absent >= 0) return join(absent + 1);
    }
    for (let slot = 1; slot <= servers.length; slot++) {
      const arriving = views[slot - 1]!.state === 'running' ? undelivered(slot) : [];
      if (arriving.length > 0) return deliver(slot, arriving);
    }
    return null;
  }

  return {
    keyId,
    sessionId,
    proposal,
    views,
    get packets() {
      return [...packets.values()];
    },
    next,
    async finish() {
      while ((await next()) !== null);
      return views.map((view) => view!);
    },
    parameters,
  };
}

/** The parameters that follow from a proposal and the servers' offers, in slot order. */
export function paramsOf(proposal: DkgProposal, offers: readonly RosterOffer[]): KeyParams {
  const { suite, purpose, keyId, quorum, policy } = proposal;
  const roster = offers.map((offer, i) => ({ slot: (i + 1) as PartyIndex, ...offer }));
  return {
    suite,
    purpose,
    keyId,
    ...firstEpoch(proposal),
    quorum,
    roster,
    termsHash: policyHash(policy),
  };
}

function proposalOf(options: CeremonyOptions, keyId: Uint8Array): DkgProposal {
  const { servers, suite = 'ed25519', purpose = 'message', needed = 2 } = options;
  const quorum: Quorum = { needed, of: servers.length };
  const policy: KeyTerms = {
    kinds: [purpose],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: true,
    approval: 'automatic',
    ...options.policy,
  };
  const exportable = options.exportable === true ? ({ exportable: true } as const) : {};
  const strict = options.strict === true ? ({ strict: true } as const) : {};
  return { kind: 'dkg', keyId, suite, purpose, quorum, policy, ...exportable, ...strict };
}

function fresh(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}
