import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { isOfRound, type RepairMessage } from './messages.js';
import { type Repair, verifyRepair } from './repair.js';
import { checkOpenings, checkSplits } from './session.js';

/**
 * What anybody who has the messages of a repair can hold against its helpers, or `null`: for whoever is told that one is
 * at fault and wants to see for himself. What was sealed is not looked at: nobody but its receiver has seen it, and he
 * cannot show it without giving secrets away.
 * @param messages of rounds 0 and 1, each in ascending order of helpers; a round that is not whole is left out
 * @throws as `verifyRepair`
 */
export function findRepairFault(
  given: Repair,
  messages: readonly (readonly RepairMessage[])[],
): Fault | null {
  const repair = verifyRepair(given);
  for (const round of [0, 1] as const) {
    const sent = messages[round] ?? [];
    if (sent.length !== repair.helpers.length) return null;
    const culprits = malformed(repair, sent, round);
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
    const found =
      round === 0
        ? checkOpenings(repair, sent.filter(isOfRound(0)))
        : checkSplits(repair, sent.filter(isOfRound(1)));
    if (found !== null && 'code' in found) return found;
  }
  return null;
}

function malformed({ helpers }: Repair, sent: readonly RepairMessage[], round: 0 | 1): readonly PartyIndex[] {
  return helpers.filter((_, i) => !isOfRound(round)(sent[i]!));
}
