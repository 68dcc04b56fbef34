import type { Call, Handlers, SessionFunctionName } from '../../context.js';
import { cancelChange } from '../changes/orders/cancel-change.js';
import { commitChange } from '../changes/epoch/commit-change.js';
import { learnChain } from '../changes/chain/learn-chain.js';
import { leaveKey } from '../changes/retire/leave-key.js';
import type { ChangeMeans } from '../changes/means.js';
import { proposeChange } from '../changes/orders/propose-change.js';
import { retireEpoch } from '../changes/retire/retire-epoch.js';
import { isForkedAt } from '../changes/forks/forked-key.js';
import { endFork } from '../changes/forks/settle-epoch.js';
import { cancelSettlement, proposeSettlement } from '../changes/forks/settle-order.js';
import { lockSettlement, promiseSettlement, yieldSettlement } from '../changes/forks/settle-votes.js';
import { showChain } from '../changes/chain/show-chain.js';
import { showEvidence } from '../changes/forks/show-fork.js';
import { lockChange, promiseChange, yieldChange } from '../changes/votes/vote.js';
import { rememberHead } from '../keys/head-memory.js';
import { recallHead } from '../changes/votes/forget-votes.js';

/** What `change.*` does. Every call may be repeated, and then only looks. */
export function changeHandlers(
  means: ChangeMeans,
): Handlers<Extract<SessionFunctionName, `change.${string}` | `fork.${string}` | 'key.chain' | 'key.learn'>> {
  return {
    'change.propose': (call, parameters) =>
      remembering(means, call, parameters.order, () => proposeChange(means, call, parameters)),
    'change.cancel': (call, parameters) =>
      remembering(means, call, parameters, () => cancelChange(means, call, parameters)),
    'change.promise': (call, parameters) =>
      remembering(means, call, parameters, async () =>
        (await isForked(means, call, parameters))
          ? promiseSettlement(means, call, parameters)
          : promiseChange(means, call, parameters),
      ),
    'change.lock': (call, parameters) =>
      remembering(means, call, parameters, async () =>
        (await isForked(means, call, parameters))
          ? lockSettlement(means, call, parameters)
          : lockChange(means, call, parameters),
      ),
    'change.yield': (call, parameters) =>
      remembering(means, call, parameters, async () =>
        (await isForked(means, call, parameters))
          ? yieldSettlement(means, call, parameters)
          : yieldChange(means, call, parameters),
      ),
    'change.commit': (call, parameters) =>
      remembering(means, call, parameters, () => commitChange(means, call, parameters)),
    'change.leave': (call, parameters) =>
      remembering(means, call, parameters, () => leaveKey(means, call, parameters)),
    'change.retire': (call, parameters) => retireEpoch(means, call, parameters),
    'fork.show': (call, parameters) => showEvidence(means.context, call, parameters),
    'fork.settle': (call, parameters) =>
      remembering(means, call, parameters, () => proposeSettlement(means, call, parameters)),
    'fork.cancel': (call, parameters) =>
      remembering(means, call, parameters, async () => {
        await cancelSettlement(means, call, parameters);
        return {};
      }),
    'fork.end': (call, parameters) =>
      remembering(means, call, parameters, () => endFork(means, call, parameters)),
    'key.chain': (call, parameters) => showChain(means.context, call, parameters),
    'key.learn': (call, parameters) => learnChain(means, call, parameters),
  };
}

/** Old members say once more which epoch follows theirs, where several certificates of it hold. */
function isForked(
  { context }: ChangeMeans,
  { account }: Call,
  { keyId, epoch }: { readonly keyId: Uint8Array; readonly epoch: number },
): Promise<boolean> {
  return context.storage.read((reader) => isForkedAt(reader, context, { owner: account.xid, keyId, epoch }));
}

/** Nothing is said by rows that are older than what was said before, and what is said is remembered outside of them first. */
async function remembering<T>(
  { context }: ChangeMeans,
  { account }: Call,
  { keyId }: { readonly keyId: Uint8Array },
  say: () => Promise<T>,
): Promise<T> {
  const name = { owner: account.xid, keyId };
  const noted = await recallHead(context, name);
  const said = await say();
  await rememberHead(context, name, noted);
  return said;
}
