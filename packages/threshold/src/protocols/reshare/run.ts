import { equalBytes } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import { wrongSignatures } from '../../key/roster.js';
import type { Fault } from '../../protocol/contract.js';
import { type AssembledKey, publicHalfOf } from '../dkg/assemble-key.js';
import type { CheckedDealing } from '../dkg/check-dealings.js';
import type { PublicEpoch, ChangeParams } from './change.js';
import { checkChangeDealings } from './check-dealings.js';
import { type DealMessage, isOfRound, type ReshareMessage } from './messages.js';
import { dealerSeats } from './seats.js';
import { type ChangeSession, changeSession, changeTranscript, hashChangeView } from './transcript.js';

/** What everybody knows of a change once all have dealt. */
export interface ChangeResult extends ChangeSession {
  /** In the order of the dealers. */
  readonly dealings: readonly CheckedDealing[];
  /** T′: what every receiver signs. */
  readonly transcript: Uint8Array;
  /** Echo of parameters and dealings. */
  readonly view: Uint8Array;
  readonly key: AssembledKey;
}

/**
 * Checks the dealings of a change and derives the next public half: the same group key and chain code, a new commitment,
 * new public shares. Epoch 0 made a Taproot key safe; what is reshared is the share after that, so that nothing is adjusted again.
 * @param deals of all dealers, in their order
 * @param agreement by the static secret of a receiver; null for whoever looks on
 * @returns a fault that names seats
 */
export function changeResult(
  before: PublicEpoch,
  change: ChangeParams,
  deals: readonly DealMessage[],
  agreement: Agreement | null = null,
): ChangeResult | Fault {
  const session = changeSession(before, change);
  const dealings = checkChangeDealings({ before, change, session, deals, agreement });
  if ('code' in dealings) {
    const seats = dealerSeats(before, change);
    const culprits = dealings.dealers.map((i) => seats[i]!).sort((a, b) => a - b);
    return { code: dealings.code, round: 0, culprits };
  }
  const { group } = session.suite;
  const coefficients = Array.from({ length: change.next.quorum.needed }, (_, k) =>
    group.sum(dealings.map((dealing) => dealing.coefficients[k]!)),
  );
  const publicHalf = publicHalfOf(change.next, coefficients, before.public.chainCode);
  if (publicHalf === undefined) return { code: 'RETRY_KEY_DEGENERATE', round: 0, culprits: [] };
  // Follows from the constant terms unless what was certified before contradicts itself.
  if (!equalBytes(publicHalf.public.groupKey, before.public.groupKey)) {
    return { code: 'RETRY_KEY_DIFFERS', round: 0, culprits: [] };
  }
  const transcript = changeTranscript(before, change, session, dealings);
  const view = hashChangeView(session.sessionId, transcript);
  const key = { ...publicHalf, finishShare: (share: SecretScalar) => share };
  return { ...session, dealings, transcript, view, key };
}

/**
 * What anybody who has the messages of a change can hold against its parties, or `null`: for whoever is told that a
 * party is at fault and wants to see for himself. What only a receiver of shares can see is not looked at.
 * @param change checked with `verifyChangeParams`
 * @param messages of round 0 in the order of the dealers, of round 1 in order of slots; a round that is not whole is left
 * out, with the one that follows
 * @returns the first fault with all its culprits (seats), or a `RETRY_…` that blames nobody
 */
export function findReshareFault(
  before: PublicEpoch,
  change: ChangeParams,
  messages: readonly (readonly ReshareMessage[])[],
): Fault | null {
  const [deals = [], prepared = []] = messages;
  if (deals.length !== change.dealers.length) return null;
  const seats = dealerSeats(before, change);
  const strange = deals.flatMap((message, i) => (isOfRound(0)(message) ? [] : [seats[i]!]));
  if (strange.length > 0) return { code: 'FAULT_MALFORMED', round: 0, culprits: strange };
  const result = changeResult(before, change, deals.filter(isOfRound(0)));
  if ('code' in result) return result;
  if (prepared.length !== change.next.quorum.of) return null;
  const { roster } = change.next;
  const malformed = roster.filter((_, i) => !isOfRound(1)(prepared[i]!)).map(({ slot }) => slot);
  if (malformed.length > 0) return { code: 'FAULT_MALFORMED', round: 1, culprits: malformed };
  const signatures = prepared.filter(isOfRound(1)).map(({ signature }) => signature);
  const culprits = wrongSignatures(change.next, result.transcript, signatures);
  return culprits.length > 0 ? { code: 'FAULT_SIGNATURE_INVALID', round: 1, culprits } : null;
}
