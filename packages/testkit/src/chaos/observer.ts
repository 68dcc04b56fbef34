import {
  commitmentsIn,
  type CraftPrepared,
  type FunctionName,
  type NonceCommitment,
  parsePacket,
  type RequestAsk,
  type RequestReply,
  sharesIn,
  unpackCommitments,
  verifyPacket,
} from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { ChaosServer } from './chaos-server.js';
import { createEpochWatch } from './epoch-watch.js';
import { type Exchange, type Opened, openExchange } from './exchange.js';

/**
 * Watches every answer that any server gives, whether or not it arrives, for what no server may ever do:
 * - release shares for one nonce commitment in two different packages, or two different shares (V34, V36);
 * - publish one commitment twice;
 * - sign two different packets for one run, round, sender and receiver;
 * - blame anybody, or find a key forked: all servers here are honest;
 * - what `EpochWatch` has.
 */
export interface Observer {
  /** Counts what is seen: what a message comes to is later than what was seen before it was sent. */
  moment(): number;
  see(exchange: Exchange): void;
  /** What was seen that may not be. */
  readonly violations: string[];
  /** How many shares were released. */
  shares(): number;
  /** How many epochs came into use behind the first one of their key. */
  epochs(): number;
}

export function createObserver(): Observer {
  const violations: string[] = [];
  const released = new Map<string, string>();
  const published = new Set<string>();
  const packets = new Map<string, string>();

  const watch = createEpochWatch(note);
  let moments = 0;

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
    if (attempt?.craft !== 'frost') return;
    sharesIn(result as RequestReply).forEach((share, task) => {
      const packed = attempt.commitments[task]!;
      const context = [keyId, payload, packed, share].map(encodeHex);
      const use = `${context.join(' ')} ${task} ${String(attempt.signers)}`;
      const own = unpackCommitments(packed, attempt.signers.length)!
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
    if (refusal !== null && /INTERNAL|TAMPERED|FORKED/.test(refusal.code))
      note(server, `says ${refusal.code} in ${name}`);
  }

  return {
    violations,
    shares: () => released.size,
    epochs: watch.epochs,
    moment: () => ++moments,
    see: (exchange) => {
      const opened = openExchange(exchange);
      if (opened === null) return;
      const { server } = exchange;
      seeCommitments(server, opened);
      seeShares(server, opened);
      seePackets(server, opened.result);
      seeBlame(server, opened);
      watch.see(exchange, opened, ++moments);
    },
  };
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
