import {
  type CaseView,
  contactOperatorMissing,
  parseVouchRequest,
  recoveryRequestInvalid,
  recoverySuspended,
  recoveryWordsWrong,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { isLikenessOf, xidOf } from '@ckm/gordian';
import type { WaysBackDesk } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { provenBy } from './cases.js';
import type { WaysBackMeans } from './means.js';
import { contactsOf, isUsable } from './stored-contacts.js';

/** The operator vouches for whoever stands before him, where the account has named him as a contact. It waits and is told like any other recovery. */
export function createWaysBackDesk(means: WaysBackMeans): WaysBackDesk {
  const { context, counting } = means;
  return {
    confirm: async (owner, request, words, as = null) => {
      const { server, vouched, keys } = parseVouchRequest(request);
      if (!equalBytes(server, context.identity.xid)) throw recoveryRequestInvalid('it is for another server');
      if (vouched !== 'recovery') throw recoveryRequestInvalid('it does not ask for a recovery');
      const id = xidOf(keys);
      if (!isLikenessOf(words, id)) throw recoveryWordsWrong();
      const done: CaseView | Error = await repeatWhenRaced(() =>
        context.storage.transact(async (transaction) => {
          const account = await context.accounts.hold(transaction, owner);
          if (account === null || account.status !== 'active') throw recoverySuspended();
          const counter = counting();
          const stored = (await contactsOf(context, transaction, owner)).find(
            ({ contact }) => contact.kind === 'operator' && isUsable(counter, contact),
          );
          if (stored === undefined) throw contactOperatorMissing();
          const shown = { owner, contact: stored.row.id, ...stored.contact };
          const detail = `the operator in person${as === null ? '' : `, as ${as}`}`;
          return provenBy(means, transaction, { id, account }, shown, detail);
        }),
      );
      // Once it has committed: what he said is kept, also for a case that stays behind another one.
      if (done instanceof Error) throw done;
      return done;
    },
  };
}
