import { EncodingError } from '@ckm/foundation';
import { certifiedShare, groupOfEpoch } from '../../key/certified-epoch.js';
import { type CocktailSuite, cocktailSuite, sessionContext } from '../../key/cocktail/suite.js';
import type { Element } from '../../group/group.js';
import { taggedHash } from '../../hash/index.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { uint16be } from '../../protocol/layout.js';
import { type KnowledgeStatement, verifyKnowledge } from '../../proofs/index.js';
import { lagrangeAt } from '../../sharing/index.js';
import { encodeMessage, type OpenMessage, SEALED_LENGTH, type SplitMessage } from './messages.js';
import { hashRepair, type Repair } from './repair.js';

/** What everybody knows of a run after round 0. */
export interface Session {
  readonly suite: CocktailSuite;
  readonly repair: Repair;
  /** 32 bytes. Every party has put fresh bytes into it, so that no honest one runs it twice and nobody chooses it. */
  readonly sessionId: Uint8Array;
  /** Under which keys a party receives in this run: of all helpers, then the target's. */
  readonly keys: readonly Uint8Array[];
}

/** @param round0 of all helpers, in ascending order */
export function sessionOf(repair: Repair, round0: readonly OpenMessage[]): Session {
  const opened = round0.flatMap((message, i) => [uint16be(repair.helpers[i]!), encodeMessage(message)]);
  return {
    suite: cocktailSuite(repair.key.params.suite),
    repair,
    sessionId: taggedHash('CKM/repair/session/v1', hashRepair(repair), ...opened),
    keys: [...round0.map(({ runKey }) => runKey), repair.loss.sealingKey],
  };
}

/** Echo of rounds 0 and 1. @param round1 of all helpers, in ascending order */
export function hashView({ sessionId }: Session, round1: readonly SplitMessage[]): Uint8Array {
  return taggedHash('CKM/repair/view/v1', sessionId, ...round1.map(encodeMessage));
}

/**
 * To what every value sealed in one round is bound.
 * @param named the session id in round 1; in round 2 the view, so that no key of a cipher serves for two different sums
 */
export function contextOf({ suite, keys }: Session, named: Uint8Array): Uint8Array {
  return sessionContext(suite, named, keys);
}

/** The key of a party in this run. */
export function keyIn({ repair, keys }: Session, slot: PartyIndex): Uint8Array {
  return slot === repair.loss.slot ? keys.at(-1)! : keys[repair.helpers.indexOf(slot)]!;
}

/** What the proof of a run's key says; the prover inside stops a copy. */
export function runKeyStatement(
  repair: Uint8Array,
  nonce: Uint8Array,
  prover: PartyIndex,
  publicElement: Element,
): KnowledgeStatement {
  return { context: taggedHash('CKM/repair/run-key/v1', repair, nonce), prover, publicElement };
}

/** The faults of round 0 that anybody can check, or `null`. */
export function checkOpenings(repair: Repair, round0: readonly OpenMessage[]): Fault | null {
  const group = groupOfEpoch(repair.key);
  const hash = hashRepair(repair);
  const codes = round0.map(({ nonce, runKey, proof }, i) => {
    const element = decodeOrNull(() => group.decode(runKey));
    if (element === null) return 'FAULT_POINT_INVALID';
    const statement = runKeyStatement(hash, nonce, repair.helpers[i]!, element);
    return verifyKnowledge(group, statement, proof) ? null : 'FAULT_PROOF_INVALID';
  });
  return faultOf(repair, 0, codes);
}

/** A split that passed every check that anybody can make: Δ of each helper, in ascending order. */
export type CheckedSplit = readonly Element[];

/**
 * The checks of round 1 that anybody can make, all culprits collected: as many commitments and sealed parts as there are
 * helpers, elements of the group, and Σ Δ = ζ·Y of the certified share. A fault found here is shown to anyone by the signed message.
 * @param round1 of all helpers, in ascending order
 */
export function checkSplits(
  repair: Repair,
  round1: readonly SplitMessage[],
): readonly CheckedSplit[] | Fault {
  const group = groupOfEpoch(repair.key);
  const { helpers, loss } = repair;
  const splits = round1.map((message) => readSplit(repair, message));
  const codes = splits.map((split, i) => {
    if (typeof split === 'string') return split;
    const helper = helpers[i]!;
    const weight = lagrangeAt(group, helpers, helper, loss.slot);
    const expected = group.mulPublic(certifiedShare(repair.key, helper), weight);
    return group.equal(group.sum(split), expected) ? null : 'FAULT_SPLIT_WRONG';
  });
  return faultOf(repair, 1, codes) ?? splits.filter((split) => typeof split !== 'string');
}

function readSplit(
  { key, helpers }: Repair,
  { commitments, sealed }: SplitMessage,
): CheckedSplit | 'FAULT_MALFORMED' | 'FAULT_POINT_INVALID' {
  const group = groupOfEpoch(key);
  const size = group.elementByteLength;
  const isWhole =
    commitments.length === helpers.length * size && sealed.length === (helpers.length - 1) * SEALED_LENGTH;
  if (!isWhole) return 'FAULT_MALFORMED';
  const decode = () => helpers.map((_, i) => group.decode(commitments.subarray(i * size, (i + 1) * size)));
  return decodeOrNull(decode) ?? 'FAULT_POINT_INVALID';
}

/** Checks in the order in which they are made; the first that fails somewhere gives the fault its code. */
const CODES = ['FAULT_MALFORMED', 'FAULT_POINT_INVALID', 'FAULT_PROOF_INVALID', 'FAULT_SPLIT_WRONG'] as const;

function faultOf(
  { helpers }: Repair,
  round: number,
  found: readonly ((typeof CODES)[number] | null)[],
): Fault | null {
  const code = CODES.find((one) => found.includes(one));
  if (code === undefined) return null;
  return { code, round, culprits: helpers.filter((_, i) => found[i] !== null) };
}

function decodeOrNull<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
