import {
  commitmentsIn,
  type CraftPrepared,
  type FunctionName,
  isFunctionName,
  type NonceCommitment,
  parseCall,
  parsePacket,
  parseReply,
  type RequestAsk,
  type RequestReply,
  sharesIn,
  unpackCommitments,
  verifyPacket,
} from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import { type Identity, openMessage } from '@ckm/gordian';
import type { ChaosServer } from './chaos-server.js';

/** One message and its answer, opened with everybody's keys: what nobody but the test can see. */
export interface Exchange {
  readonly server: ChaosServer;
  readonly owner: Identity;
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

/**
 * Watches every answer that any server gives, whether or not it arrives, for what no server may ever do:
 * - release shares for one nonce commitment in two different packages, or two different shares (V34, V36);
 * - publish one commitment twice;
 * - sign two different packets for one run, round, sender and receiver;
 * - blame anybody: all servers here are honest.
 */
export interface Observer {
  see(exchange: Exchange): void;
  /** What was seen that may not be. */
  readonly violations: string[];
  /** How many shares were released. */
  shares(): number;
}

interface Opened {
  readonly name: FunctionName;
  readonly parameters: unknown;
  readonly result: unknown;
  readonly refusal: CkmError | null;
}

export function createObserver(): Observer {
  const violations: string[] = [];
  const released = new Map<string, string>();
  const published = new Set<string>();
  const packets = new Map<string, string>();

  function note(server: ChaosServer, what: string): void {
    violations.push(`${server.name} ${what}`);
  }

  function seeCommitments(server: ChaosServer, { name, result }: Opened): void {
    for (const pair of preparedIn(name, result).map(pairOf)) {
      const id = `${server.name} ${pair}`;
      if (published.has(id)) note(server, `published one commitment twice (${name})`);
      published.add(id);
    }
  }

  function seeShares(server: ChaosServer, { name, parameters, result }: Opened): void {
    if (name !== 'request.ask' || result === null) return;
    const { keyId, payload, attempt } = parameters as RequestAsk;
    sharesIn(result as RequestReply).forEach((share, task) => {
      const packed = attempt!.commitments[task]!;
      const context = [keyId, payload, packed, share].map(encodeHex);
      const use = `${context.join(' ')} ${task} ${String(attempt!.signers)}`;
      const own = unpackCommitments(packed, attempt!.signers.length)!
        .map((pair) => `${server.name} ${pairOf(pair)}`)
        .filter((id) => published.has(id));
      if (own.length !== 1) note(server, `released a share for ${own.length} of its own commitments`);
      for (const id of own) {
        const before = released.get(id);
        if (before !== undefined && before !== use) note(server, 'used one nonce twice');
        released.set(id, use);
      }
    });
  }

  function seePackets(server: ChaosServer, result: unknown): void {
    for (const bytes of outboxIn(result)) {
      const packet = parsePacket(bytes);
      const { publicKeys } = server.identity();
      if (!verifyPacket(packet, publicKeys.signing.bytes)) note(server, 'hands out a packet it did not sign');
      const place = `${encodeHex(packet.sessionId)} ${packet.round} ${packet.from} ${packet.to}`;
      const before = packets.get(place);
      if (before !== undefined && before !== encodeHex(packet.signed))
        note(server, 'signed two packets for one place');
      packets.set(place, encodeHex(packet.signed));
    }
  }

  function seeBlame(server: ChaosServer, { result, refusal, name }: Opened): void {
    const culprits = culpritsIn(result) ?? refusal?.facts['culprits'];
    if (Array.isArray(culprits) && culprits.length > 0) note(server, `blames ${String(culprits)} in ${name}`);
    if (refusal !== null && /INTERNAL|TAMPERED/.test(refusal.code))
      note(server, `says ${refusal.code} in ${name}`);
  }

  return {
    violations,
    shares: () => released.size,
    see: (exchange) => {
      const opened = open(exchange);
      if (opened === null) return;
      const { server } = exchange;
      seeCommitments(server, opened);
      seeShares(server, opened);
      seePackets(server, opened.result);
      seeBlame(server, opened);
    },
  };
}

/** Null for what is not sealed, or not between these two. */
function open({ server, owner, request, reply }: Exchange): Opened | null {
  const identity = server.identity();
  const always = { maxAgeSeconds: Number.MAX_SAFE_INTEGER, maxSkewSeconds: Number.MAX_SAFE_INTEGER, now: 0 };
  let asked, answered;
  try {
    asked = openMessage({
      ...always,
      recipient: identity,
      bytes: request,
      resolveSender: () => owner.publicKeys,
    });
    answered = openMessage({
      ...always,
      recipient: owner,
      bytes: reply,
      accept: 'reply',
      resolveSender: () => identity.publicKeys,
    });
  } catch {
    return null;
  }
  const name = asked.function;
  if (!isFunctionName(name)) return null;
  const parameters: unknown = parseCall(name, asked.body);
  try {
    return { name, parameters, result: parseReply(name, answered.body), refusal: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { name, parameters, result: null, refusal: error };
  }
}

function pairOf({ hiding, binding }: NonceCommitment): string {
  return `${encodeHex(hiding)} ${encodeHex(binding)}`;
}

/** The commitments that an answer publishes. */
function preparedIn(name: FunctionName, result: unknown): readonly NonceCommitment[] {
  if (result === null) return [];
  if (name === 'craft.prepare') return commitmentsIn(result as { readonly prepared: CraftPrepared });
  return name === 'request.ask' ? commitmentsIn(result as RequestReply) : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function outboxIn(result: unknown): readonly Uint8Array[] {
  const list = field(result, 'outbox');
  return Array.isArray(list) ? (list as Uint8Array[]) : [];
}

function culpritsIn(result: unknown): unknown {
  return field(field(result, 'fault'), 'culprits');
}
