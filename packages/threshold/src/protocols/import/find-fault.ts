import { wrongSignatures } from '../../key/roster.js';
import type { Fault } from '../../protocol/contract.js';
import type { ImportDeal } from './deal.js';
import { type ImportMessage, isImportMessage } from './messages.js';
import { importResult } from './session.js';

/**
 * What anybody who has the messages of an import can hold against its servers, or `null`.
 * @param deal its parameters checked with `verifyRoster`
 * @param messages of all servers, in order of slots; empty while some are missing
 * @returns the first fault with all its culprits; one that names nobody is the dealer's
 */
export function findImportFault(deal: ImportDeal, messages: readonly ImportMessage[]): Fault | null {
  const result = importResult(deal);
  if ('code' in result) return result;
  const { roster } = deal.params;
  if (messages.length !== roster.length) return null;
  const malformed = roster.filter((_, i) => !isImportMessage(messages[i]!)).map(({ slot }) => slot);
  if (malformed.length > 0) return { code: 'FAULT_MALFORMED', round: 0, culprits: malformed };
  const signatures = messages.map(({ signature }) => signature);
  const culprits = wrongSignatures(deal.params, result.transcript, signatures);
  return culprits.length > 0 ? { code: 'FAULT_SIGNATURE_INVALID', round: 0, culprits } : null;
}
