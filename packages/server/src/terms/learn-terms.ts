import { type Parameters, type TermsStanding } from '@ckm/api';
import type { Call } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { adoptTerms } from './adopt-terms.js';
import { readBrought } from './brought.js';
import { COMPARING_MS, takeChange } from './change-terms.js';
import { holdKey } from './held-key.js';
import type { TermsMeans } from './means.js';
import type { Taken } from './past-terms.js';

/**
 * Answers `terms.learn`: changes that others have in force, in order. Those that enough others vouch for are taken as they are. Else each is judged here by
 * the votes on it, and what has to wait waits here anew, with those behind it. Whoever brings them speaks for none.
 * @throws as {@link proposeTerms}; where neither others nor votes speak for it, AccessError `DEVICE_MAY_NOT`, StateError `TERMS_NOT_VOUCHED`
 */
export async function learnTerms(
  means: TermsMeans,
  call: Call,
  { keyId, links, heads = [] }: Parameters<'terms.learn'>,
): Promise<TermsStanding> {
  means.charge(call.account, COMPARING_MS * links.length);
  const brought = links.map(readBrought);
  const name = { owner: call.account.xid, keyId };
  const adopted = heads.length === 0 ? null : await adoptTerms(means, call, name, brought, heads);
  if (adopted !== null) return adopted;
  let standing: TermsStanding | null = null;
  for (const one of brought) {
    const taken: Taken = await repeatWhenRaced(() =>
      call.transact(async (transaction) =>
        takeChange(means, call, transaction, await holdKey(means.context, transaction, name), one, 'missed'),
      ),
    );
    if (taken.error !== null) throw taken.error;
    standing = taken.standing;
    if (standing.version < one.change.version) break;
  }
  return standing!;
}
