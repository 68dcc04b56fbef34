import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { runSession } from '../../sessions/run-session.js';
import { saveSession } from '../../sessions/sessions.js';
import { dropDraft } from '../../terms/drafts/key-draft.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { keyGeneration } from './key-generation.js';
import { type CreateKeyArgs, planKey, sessionFromPlan } from './plan-key.js';

/** Makes a key. @throws as `planKey` and `runSession` */
export async function createKey(
  context: ClientContext,
  readKey: ReadKey,
  args: CreateKeyArgs,
  on: OnProgress,
): Promise<CertifiedKey> {
  // Whatever needs a person (a passphrase) comes before the first trace of the session.
  for (const { xid } of (await planKey(context, args)).servers) await context.identityFor(xid);
  const session = await context.store.exclusive('key-names', async () => {
    const begun = sessionFromPlan(context, await planKey(context, args), args);
    await saveSession(context.store, begun);
    await dropDraft(context.store, args.name);
    return begun;
  });
  await runSession(context, keyGeneration, session, on);
  return readKey(args.name);
}
