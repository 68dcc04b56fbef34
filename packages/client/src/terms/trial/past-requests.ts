import type { KeyTerms, TotalAsked } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import type { RequestRecord } from '../../requests/request-record.js';
import { listRequests } from '../../requests/requests.js';
import { type TermsAnswer, testTerms } from './test-terms.js';

/** What terms would have answered to a request that is on record. */
export interface PastAnswer {
  readonly requestId: Uint8Array;
  /** UnixSeconds */
  readonly askedAt: number;
  readonly state: RequestRecord['state'];
  readonly sentence: string;
  /** Null: this version does not read the request any more; `code` says why. */
  readonly answer: TermsAnswer | null;
  readonly code: string | null;
}

/** What can be told of the past, and what cannot. */
export interface PastAnswers {
  /** The latest last. */
  readonly answers: readonly PastAnswer[];
  /** On record, and more than were looked at. */
  readonly isCut: boolean;
  /**
   * Signatures that spent something and are known by their time alone: what is signed at once leaves no request on record, so that sums
   * here are too small by them.
   */
  readonly untold: number;
}

export interface TestPastArgs {
  /** The owner's name of the key. */
  readonly key: string;
  /** How many of them, at most. */
  readonly most: number;
  /** Default: those of the key. */
  readonly terms?: KeyTerms;
}

/**
 * What terms would have answered to the latest requests of a key on record here: those that people were asked about, or that are open. Each is
 * judged with the sums of those before it that got a signature.
 */
export async function testPast(
  { store, clock }: Pick<ClientContext, 'store' | 'clock'>,
  key: CertifiedKey,
  { most, terms = key.record.policy }: TestPastArgs,
): Promise<PastAnswers> {
  const own = (await listRequests(store)).filter(({ keyId }) => equalBytes(keyId, key.keyId));
  const letIn: LetIn[] = [];
  const answers = own.slice(Math.max(0, own.length - most)).map((request): PastAnswer => {
    const judged = judgePast(key, terms, request, letIn, clock());
    if (request.state === 'finished' && judged.answer !== null)
      letIn.push({ at: request.createdAt, answer: judged.answer });
    return judged;
  });
  const finished = own.filter(({ state, spends }) => state === 'finished' && spends !== null).length;
  const untold = Math.max(0, (key.record.spent ?? []).length - finished);
  return { answers, isCut: own.length > most, untold };
}

interface LetIn {
  /** UnixSeconds */
  readonly at: number;
  readonly answer: TermsAnswer;
}

function judgePast(
  key: CertifiedKey,
  terms: KeyTerms,
  { requestId, createdAt, state, sentence, kind, payload }: RequestRecord,
  letIn: readonly LetIn[],
  now: number,
): PastAnswer {
  const about = { requestId, askedAt: createdAt, state, sentence };
  const before = ({ fact, within }: TotalAsked) =>
    letIn
      .filter(({ at }) => at > createdAt - within)
      .map(({ answer }) => answer.facts[fact])
      .reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);
  try {
    return {
      ...about,
      answer: testTerms(key, terms, { kind, payload, isOnRecord: true, before }, now),
      code: null,
    };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { ...about, answer: null, code: error.code };
  }
}
