import { EncodingError } from '@ckm/foundation';
import type { Agreement } from '../../group/group.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { type AssembledKey, assembleKey } from './assemble-key.js';
import { checkDealings, type CheckedDealing } from './check-dealings.js';
import type { Dealing } from './dealing.js';
import type { CommitMessage, ShareMessage } from './messages.js';
import { NO_CHAIN_CODE } from '../../key/chain-code.js';
import { hashKeyParams, type KeyParams } from '../../key/params.js';
import { type CocktailSuite, cocktailSuite, sessionContext } from '../../key/cocktail/suite.js';
import { encodeTranscript, hashChainCode, hashSession, hashView, transcriptExtension } from './transcript.js';

/** What everybody knows of a run after round 0. */
export interface Session {
  readonly suite: CocktailSuite;
  /** Hash of the key's parameters. */
  readonly params: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly context: Uint8Array;
}

/** @param round0 of all parties, in order of slots */
export function sessionOf(params: KeyParams, round0: readonly CommitMessage[]): Session {
  const suite = cocktailSuite(params.suite);
  const paramsHash = hashKeyParams(params);
  const sessionId = hashSession(paramsHash, round0);
  return {
    suite,
    params: paramsHash,
    sessionId,
    context: sessionContext(suite, sessionId, staticKeysOf(params)),
  };
}

/** What everybody knows of a run after round 1. */
export interface Result extends Session {
  readonly dealings: readonly CheckedDealing[];
  /** T: what every party signs. */
  readonly transcript: Uint8Array;
  /** Echo of rounds 0 and 1. */
  readonly view: Uint8Array;
  readonly key: AssembledKey;
}

/**
 * Checks the dealings of a run and derives the key. A party runs it before it signs; whoever is shown a certificate
 * runs it before he believes it.
 * @param round0 and `round1`: of all parties, in order of slots
 * @param agreement by the static secret of a party; without it, nobody can receive a share out of the result's dealings
 */
export function resultOf(
  key: KeyParams,
  round0: readonly CommitMessage[],
  round1: readonly ShareMessage[],
  agreement: Agreement | null = null,
): Result | Fault {
  const session = sessionOf(key, round0);
  const { suite, params, sessionId, context } = session;
  const dealings = checkDealings({ suite, quorum: key.quorum, params, context, round0, round1, agreement });
  if ('code' in dealings) return dealings;
  const transcript = transcriptOf(key, session, dealings);
  const openings = dealings.map((dealing, i) => ({ ...dealing, salt: round1[i]!.salt }));
  const chainCode = key.flags.hd
    ? hashChainCode({ suiteName: key.suite, sessionId, openings })
    : NO_CHAIN_CODE;
  const assembled = assembleKey(key, dealings, chainCode);
  if (assembled === undefined) return { code: 'RETRY_KEY_DEGENERATE', round: 1, culprits: [] };
  const view = hashView(
    sessionId,
    transcript,
    round1.map((message) => message.salt),
  );
  return { ...session, dealings, transcript, view, key: assembled };
}

/** T of a run: what its parties sign. */
export function transcriptOf(
  key: KeyParams,
  { suite, params, context }: Session,
  dealings: readonly Dealing[],
): Uint8Array {
  return encodeTranscript(suite, {
    context,
    quorum: key.quorum,
    staticKeys: staticKeysOf(key),
    dealings,
    extension: transcriptExtension(params, dealings),
  });
}

/** One message of each party in order of slots: those received and one's own. */
export function inSlotOrder<M>(
  key: KeyParams,
  received: ReadonlyMap<PartyIndex, M>,
  me: PartyIndex,
  own: M,
): readonly M[] {
  return key.roster.map(({ slot }) => (slot === me ? own : received.get(slot)!));
}

/** Encoded, in order of slots. */
export function staticKeysOf(key: KeyParams): readonly Uint8Array[] {
  return key.roster.map((entry) => entry.staticKey);
}

/** All parties but this one. */
export function others(key: KeyParams, me: PartyIndex): readonly PartyIndex[] {
  return key.roster.map((entry) => entry.slot).filter((slot) => slot !== me);
}

/**
 * @throws EncodingError `EPOCH_INVALID`: later epochs come from resharing a key, never from generating one;
 * `KEY_PARAMS_INVALID` for flags that no generated key has
 */
export function assertNewKey({ epoch, flags }: KeyParams): void {
  if (flags.dealt || flags.exported) {
    throw new EncodingError('a key that is only now generated was neither dealt nor exported', {
      code: 'KEY_PARAMS_INVALID',
      hint: 'ask for the proposal again',
      facts: { field: 'flags' },
    });
  }
  if (epoch === 0) return;
  throw new EncodingError('a new key starts with epoch 0', {
    code: 'EPOCH_INVALID',
    hint: 'ask for the proposal again',
  });
}
