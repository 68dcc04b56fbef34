import {
  type FunctionName,
  isFunctionName,
  parseCall,
  parsePacket,
  parseReply,
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

  function seeCommitments(server: ChaosServer, result: unknown, message: string): void {
    for (const pair of commitmentsIn(result)) {
      const id = `${server.name} ${pair}`;
      if (published.has(id)) note(server, `published one commitment twice (${message})`);
      published.add(id);
    }
  }

  function seeShares(server: ChaosServer, parameters: unknown, result: unknown): void {
    const answer = sharesIn(result);
    if (answer === null || answer.length === 0) return;
    const { keyId, payload, attempt } = parameters as AskedFor;
    answer.forEach((share, task) => {
      const package_ = `${hex(keyId)} ${hex(payload)} ${task} ${JSON.stringify(attempt, bytesAsHex)} ${share}`;
      const own = attempt.commitments[task]!.map(pairOf).filter((pair) =>
        published.has(`${server.name} ${pair}`),
      );
      if (own.length !== 1) note(server, `released a share for ${own.length} of its own commitments`);
      for (const pair of own) {
        const id = `${server.name} ${pair}`;
        const before = released.get(id);
        if (before !== undefined && before !== package_) note(server, 'used one nonce twice');
        released.set(id, package_);
      }
    });
  }

  function seePackets(server: ChaosServer, result: unknown): void {
    for (const bytes of outboxIn(result)) {
      const packet = parsePacket(bytes);
      const { publicKeys } = server.identity();
      if (!verifyPacket(packet, publicKeys.signing.bytes)) note(server, 'hands out a packet it did not sign');
      const place = `${hex(packet.sessionId)} ${packet.round} ${packet.from} ${packet.to}`;
      const before = packets.get(place);
      if (before !== undefined && before !== hex(packet.signed))
        note(server, 'signed two packets for one place');
      packets.set(place, hex(packet.signed));
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
      seeCommitments(server, opened.result, opened.name);
      seeShares(server, opened.parameters, opened.result);
      seePackets(server, opened.result);
      seeBlame(server, opened);
    },
  };
}

interface AskedFor {
  readonly keyId: Uint8Array;
  readonly payload: Uint8Array;
  readonly attempt: { readonly commitments: readonly (readonly Pair[])[] };
}
interface Pair {
  readonly hiding: Uint8Array;
  readonly binding: Uint8Array;
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

function hex(bytes: Uint8Array): string {
  return encodeHex(bytes);
}

function bytesAsHex(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? hex(value) : value;
}

function pairOf({ hiding, binding }: Pair): string {
  return `${hex(hiding)} ${hex(binding)}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function commitmentsIn(result: unknown): readonly string[] {
  const list = field(result, 'commitments');
  return Array.isArray(list) ? list.map((pair) => pairOf(pair as Pair)) : [];
}

function sharesIn(result: unknown): readonly string[] | null {
  const list = field(result, 'shares');
  return Array.isArray(list) ? list.map((share) => hex(share as Uint8Array)) : null;
}

function outboxIn(result: unknown): readonly Uint8Array[] {
  const list = field(result, 'outbox');
  return Array.isArray(list) ? (list as Uint8Array[]) : [];
}

function culpritsIn(result: unknown): unknown {
  return field(field(result, 'fault'), 'culprits');
}
