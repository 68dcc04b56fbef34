import { equalBytes } from '@ckm/foundation';
import type { KeyParams } from '../../key/params.js';
import { wrongSignatures } from '../../key/roster.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { type CommitMessage, type DkgMessage, isOfRound, type ShareMessage } from './messages.js';
import { type Result, resultOf } from './run.js';

/** A run as far as everybody can see it. */
export interface SeenRun {
  readonly params: KeyParams;
  readonly round0: readonly CommitMessage[];
  readonly round1: readonly ShareMessage[];
  /** `null`: nobody has signed yet. */
  readonly signatures: readonly Uint8Array[] | null;
}

/** Every check that needs no secret, in the order of the rounds. */
export function checkRun({ params, round0, round1, signatures }: SeenRun): Result | Fault {
  const result = resultOf(params, round0, round1);
  if ('code' in result) return result;
  const strangers = round1.flatMap(({ sessionId }, i) =>
    equalBytes(sessionId, result.sessionId) ? [] : [(i + 1) as PartyIndex],
  );
  if (strangers.length > 0) return { code: 'FAULT_SESSION', round: 1, culprits: strangers };
  const culprits = signatures === null ? [] : wrongSignatures(params, result.transcript, signatures);
  return culprits.length > 0 ? { code: 'FAULT_SIGNATURE_INVALID', round: 2, culprits } : result;
}

/**
 * What anybody who has the messages of a run can hold against its parties, or `null`: for whoever is told that a party
 * is at fault and wants to see for himself. The roster was checked before; what only a receiver of shares can see is
 * not looked at.
 * @param params checked with `verifyRoster`
 * @param messages of each round, in order of slots; a round that is not whole is left out, with all that follow
 * @returns the first fault with all its culprits, or a `RETRY_…` that blames nobody
 */
export function findPublicFault(
  params: KeyParams,
  messages: readonly (readonly DkgMessage[])[],
): Fault | null {
  const whole = (round: number) => messages[round]?.length === params.quorum.of;
  for (const round of [0, 1, 2] as const) {
    if (!whole(round)) break;
    const culprits = messages[round]!.flatMap((message, i) =>
      isOfRound(round)(message) ? [] : [(i + 1) as PartyIndex],
    );
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
  }
  if (!whole(0) || !whole(1)) return null;
  const checked = checkRun({
    params,
    round0: messages[0]!.filter(isOfRound(0)),
    round1: messages[1]!.filter(isOfRound(1)),
    signatures: whole(2) ? messages[2]!.filter(isOfRound(2)).map(({ signature }) => signature) : null,
  });
  return 'code' in checked ? checked : null;
}
