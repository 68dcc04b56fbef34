import type { Result } from '@ckm/api';
import type { PublicKeys } from '@ckm/gordian';
import type { Introduction } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';
import type { StrangerCall } from './call.js';

/** Answers `account.open`; asking twice is harmless. */
export async function openAccount(
  { accounts, audit, events }: ServerContext,
  call: StrangerCall,
  publicKeys: PublicKeys,
  invite: string | null,
): Promise<Result<'account.open'>> {
  const introduction: Introduction = { xid: call.sender, publicKeys };
  const { account, created } = await call.transact(async (transaction) => {
    const opened = await accounts.open(transaction, introduction, invite);
    if (opened.created) {
      await audit.append(transaction, {
        deed: 'account.open',
        who: call.sender,
        keyId: null,
        subject: null,
        sentence: 'Open an account',
        verdict: 'done',
        policy: '',
        detail: invite === null ? '' : 'by invite',
      });
    }
    return opened;
  });
  if (created) events.accountOpened();
  return { openedAt: account.openedAt };
}
