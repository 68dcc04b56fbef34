import { concatBytes, EncodingError } from '@ckm/foundation';
import type { Agreement } from '../../group/group.js';
import { taggedHash } from '../../hash/index.js';
import { type CocktailSuite, cocktailSuite, sessionContext } from '../../key/cocktail/suite.js';
import { hashKeyParams } from '../../key/params.js';
import type { Fault } from '../../protocol/contract.js';
import { uint32le } from '../../protocol/layout.js';
import { type AssembledKey, publicHalfOf } from '../dkg/assemble-key.js';
import { type CheckedDealing, readElements } from '../dkg/check-dealings.js';
import { type Dealing, parseDealing } from '../dkg/dealing.js';
import { encodeTranscript, hashCiphertexts } from '../dkg/transcript.js';
import type { ImportDeal } from './deal.js';

/** What everybody knows of an import before the dealing is looked at. */
export interface ImportSession {
  readonly suite: CocktailSuite;
  /** 32 bytes: hash of the key’s parameters, the dealer’s nonce and key, and the chain code. */
  readonly sessionId: Uint8Array;
  readonly context: Uint8Array;
  /** Of the roster, encoded, in order of slots. */
  readonly receiverKeys: readonly Uint8Array[];
}

/** All of a dealing that it is made under, so that a dealing for one key and roster is none for another. */
export function importSession({
  params,
  nonce,
  dealerKey,
  chainCode,
}: Omit<ImportDeal, 'dealing'>): ImportSession {
  const suite = cocktailSuite(params.suite);
  const sessionId = taggedHash('CKM/import/session/v1', hashKeyParams(params), nonce, dealerKey, chainCode);
  const receiverKeys = params.roster.map(({ staticKey }) => staticKey);
  const context = sessionContext(suite, sessionId, [dealerKey, ...receiverKeys]);
  return { suite, sessionId, context, receiverKeys };
}

/** What everybody finds in a dealing. */
export interface ImportResult extends ImportSession {
  /** The one. */
  readonly dealings: readonly CheckedDealing[];
  /** T: what every server signs. */
  readonly transcript: Uint8Array;
  /** Echo of it. */
  readonly view: Uint8Array;
  readonly key: AssembledKey;
}

/**
 * Checks a dealing as far as everybody can, and derives the key. Nothing is adjusted for Taproot: the public key is the one that
 * its owner has, and whoever dealt it could spend by itself anyway.
 * @param deal its parameters checked with `verifyRoster`
 * @param agreement by the static secret of a receiver; null for whoever looks on
 * @returns a fault that names no server: it is the dealer's
 */
export function importResult(deal: ImportDeal, agreement: Agreement | null = null): ImportResult | Fault {
  const session = importSession(deal);
  const { suite, context } = session;
  const { quorum } = deal.params;
  const dealing = parseDealing(suite, quorum, deal.dealing);
  if (dealing === undefined) return fault('FAULT_DEALING_LENGTH');
  let checked: CheckedDealing;
  try {
    suite.group.decode(deal.dealerKey);
    const read = readElements({ suite, quorum, context, agreement }, dealing);
    if (!read.isProofValid) return fault('FAULT_PROOF_INVALID');
    checked = read.dealing;
  } catch (error) {
    if (error instanceof EncodingError) return fault('FAULT_POINT_INVALID');
    throw error;
  }
  const publicHalf = publicHalfOf(deal.params, checked.coefficients, deal.chainCode);
  if (publicHalf === undefined) return fault('FAULT_POINT_INVALID');
  const transcript = importTranscript(deal, session, dealing);
  const view = taggedHash('CKM/import/view/v1', session.sessionId, transcript);
  return {
    ...session,
    dealings: [checked],
    transcript,
    view,
    key: { ...publicHalf, finishShare: (share) => share },
  };
}

/**
 * T of an import. The layout is that of a generation's T, with the entry of one dealer and an extension that begins with 3, so
 * that a signature for one is none for the other.
 */
function importTranscript(
  { params: { quorum } }: ImportDeal,
  { suite, sessionId, context, receiverKeys }: ImportSession,
  dealing: Dealing,
): Uint8Array {
  const extension = concatBytes(uint32le(3), sessionId, hashCiphertexts([dealing]));
  return encodeTranscript(suite, {
    context,
    quorum,
    staticKeys: receiverKeys,
    dealings: [dealing],
    extension,
  });
}

function fault(code: Fault['code']): Fault {
  return { code, round: 0, culprits: [] };
}
