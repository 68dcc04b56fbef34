import { EncodingError, equalBytes } from '@ckm/foundation';
import type { Agreement, Element } from '../../group/group.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { type CheckedDealing, readElements, type ReadDealing } from '../dkg/check-dealings.js';
import { parseDealing } from '../dkg/dealing.js';
import type { PublicEpoch, ChangeParams } from './change.js';
import type { DealMessage } from './messages.js';
import type { ChangeSession } from './transcript.js';

/** Checks in the order in which they are made; the first that fails somewhere gives the fault its code. */
const CODES = [
  'FAULT_SESSION',
  'FAULT_DEALING_LENGTH',
  'FAULT_POINT_INVALID',
  'FAULT_CONSTANT_TERM',
  'FAULT_PROOF_INVALID',
] as const;

type Code = (typeof CODES)[number];

/** What is wrong with some dealings; dealers by their place in the list, from 0. */
export interface DealingFault {
  readonly code: Code;
  readonly dealers: readonly number[];
}

/** What is needed to check the dealings of a change; all public but the agreement. */
export interface ChangeView {
  readonly before: PublicEpoch;
  readonly change: ChangeParams;
  readonly session: ChangeSession;
  /** One of each dealer, in their order. */
  readonly deals: readonly DealMessage[];
  /** By the static secret of whoever receives a share; null for whoever looks on. */
  readonly agreement: Agreement | null;
}

/**
 * The public checks of a dealing, for every dealer, all culprits collected; what is found here can be shown to anyone who
 * has the signed messages. A dealing is for this session, has exactly as many coefficients as the next quorum needs (one
 * more would raise it in silence) and one share for each receiver, holds elements of the group, and shares out what the old
 * certificate says this dealer has: its constant term is λ·Y. So neither key nor quorum can change by it.
 *
 * That nobody's ephemeral key is another's, as in a key generation, is not asked: without a round of commitments whoever deals
 * last could copy an honest dealer's and have both named. It gains nothing by that: it cannot encrypt under such a key, and its
 * constant term is pinned.
 */
export function checkChangeDealings(view: ChangeView): readonly CheckedDealing[] | DealingFault {
  const faults = new Map<number, Code>();
  const found: (ReadDealing | undefined)[] = view.deals.map((_, i) => {
    const read = readDealing(view, i);
    if (typeof read !== 'string') return read;
    faults.set(i, read);
    return undefined;
  });
  found.forEach((read, i) => {
    if (read?.isProofValid === false && !faults.has(i)) faults.set(i, 'FAULT_PROOF_INVALID');
  });
  if (faults.size === 0) return found.flatMap((read) => (read === undefined ? [] : [read.dealing]));
  const codes = new Set(faults.values());
  return {
    code: CODES.find((code) => codes.has(code))!,
    dealers: [...faults.keys()].sort((a, b) => a - b),
  };
}

function readDealing(view: ChangeView, i: number): ReadDealing | Code {
  const { change, session, deals, agreement } = view;
  const { suite, context, sessionId } = session;
  const { quorum } = change.next;
  const deal = deals[i]!;
  if (!equalBytes(deal.sessionId, sessionId)) return 'FAULT_SESSION';
  const dealing = parseDealing(suite, quorum, deal.dealing);
  if (dealing === undefined) return 'FAULT_DEALING_LENGTH';
  try {
    const read = readElements({ suite, quorum, context, agreement }, dealing);
    const [constantTerm] = read.dealing.coefficients;
    return suite.group.equal(constantTerm!, weightedShare(view, i)) ? read : 'FAULT_CONSTANT_TERM';
  } catch (error) {
    if (error instanceof EncodingError) return 'FAULT_POINT_INVALID';
    throw error;
  }
}

/** λ·Y of one dealer: what its constant term must be, by the certificate of the old epoch. */
function weightedShare({ before, change, session }: ChangeView, i: number): Element {
  const { group } = session.suite;
  const slots = change.dealers.map(({ slot }) => slot);
  const slot = slots[i]!;
  return group.mulPublic(
    group.decode(before.public.verifyingShares[slot - 1]!),
    lagrangeAtZero(group, slots, slot),
  );
}
