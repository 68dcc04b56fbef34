import { type KeyTerms, policyHash, versionOf } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { termsWay } from '../sessions/keys/terms-way.js';
import type { Reader } from '../storage/storage.js';
import type { KeyWithTerms } from './held-key.js';
import { haveAgreed } from './poll.js';
import type { StoredTerms } from './stored-terms.js';

/** Terms that are in force at a key, or were before those that are. */
export interface PastTerms {
  readonly terms: KeyTerms;
  /** Null: they were certified, or are of before what is stored of them. */
  readonly record: StoredTerms | null;
}

type Reading = Pick<ServerContext, 'vault'>;

/** As {@link termsWay}, with all that is stored of each. */
export function pastTerms(
  context: Reading,
  reader: Reader,
  { row, head }: KeyWithTerms,
): AsyncGenerator<PastTerms> {
  return termsWay<StoredTerms>(context, reader, row, head);
}

/** Whether they came into force by being provably tighter than those that they followed. */
export function isTightened({ record }: PastTerms): boolean {
  return record?.isTighter === true;
}

/** Terms that are in force here, or were, with what came into force since, the newest first. */
interface FoundTerms {
  readonly terms: KeyTerms;
  readonly over: readonly PastTerms[];
}

/** The terms of that hash, if a change may lead on from them here; null: they were never in force here, or an epoch has been certified since. */
export async function findPast(
  context: Reading,
  reader: Reader,
  key: KeyWithTerms,
  hash: Uint8Array,
): Promise<FoundTerms | null> {
  const found = await findOnWay(context, reader, key, hash);
  return found === null || found.isPassed ? null : found;
}

/** The terms of that hash, wherever they are on the way to those in force. `isPassed`: an epoch was certified under later ones. */
export async function findOnWay(
  context: Reading,
  reader: Reader,
  key: KeyWithTerms,
  hash: Uint8Array,
): Promise<(FoundTerms & { readonly isPassed: boolean }) | null> {
  const certified = key.head.certifiedTerms ?? versionOf(key.head.policy);
  const over: PastTerms[] = [];
  for await (const past of pastTerms(context, reader, key)) {
    const { terms } = past;
    if (equalBytes(policyHash(terms), hash)) return { terms, over, isPassed: versionOf(terms) < certified };
    over.push(past);
  }
  return null;
}

/** Whether terms of that hash are in force here, or were, and nothing has taken them back. */
export async function isOnWay(
  context: Reading,
  reader: Reader,
  key: KeyWithTerms,
  hash: Uint8Array,
): Promise<boolean> {
  return (await findOnWay(context, reader, key, hash)) !== null;
}

/**
 * What votes bring back without a delay (L10): the terms before those in force, and those before what has been tightened since
 * without as many yeses as the rule asks for: what one of them says, be it a no, takes nobody the way back.
 */
export async function formerTerms(
  context: Reading,
  reader: Reader,
  key: KeyWithTerms,
): Promise<readonly KeyTerms[]> {
  const former: KeyTerms[] = [];
  let areOfNobody = true;
  let after: PastTerms | null = null;
  for await (const past of pastTerms(context, reader, key)) {
    if (after !== null) {
      areOfNobody &&= isTightened(after) && !haveAgreed(past.terms, after.record!.votes);
      if (!areOfNobody && former.length > 0) break;
      former.push(past.terms);
    }
    after = past;
  }
  return former;
}
