import type { Parameters, Result } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { Call } from '../../../context.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import { checkChain, storeLinks } from './check-chain.js';
import type { ChangeMeans } from '../means.js';

/**
 * Takes in certificates of a key that this server has no share of, or is behind with: each is checked behind the one before, and what it proves is
 * stored, so that the next page goes on from there, in another message and after a restart. It changes nothing of any key. What is stored
 * counts against the account's bytes until the server joins, comes back or leaves by it.
 * @throws as {@link checkChain}; PolicyError `QUOTA_BYTES`, `CHAIN_TOO_LONG`
 */
export async function learnChain(
  means: ChangeMeans,
  call: Call,
  { keyId, certificates }: Parameters<'key.learn'>,
): Promise<Result<'key.learn'>> {
  const { context } = means;
  const { account } = call;
  const checked = await checkChain(means, call, keyId, certificates);
  const { params, transcriptHash } = checked.newest;
  await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const stored = await storeLinks(context, transaction, account, keyId, checked);
      if (stored === 0) return;
      await context.audit.append(transaction, {
        deed: 'key.learn',
        who: account.xid,
        keyId,
        subject: transcriptHash,
        sentence: `Take in certificates of a key (${params.suite}) for ${params.purpose}, up to epoch ${params.epoch}.`,
        verdict: 'done',
        policy: '',
        detail: `${stored} epochs, transcript ${encodeHex(transcriptHash).slice(0, 8)}`,
      });
    }),
  );
  return { epoch: params.epoch, transcriptHash };
}
