import type { ExportProposal } from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import type { Reader } from '../../storage/storage.js';
import { asksPeople } from '../asked-of-change.js';
import { type HeldKey, readHeldKey } from '../repair/held-key.js';
import { equalBytes } from '@ckm/foundation';

/** A key that may be given out, and what its conditions say of that here and now. */
export interface ExportableKey extends HeldKey {
  /** Whether its operator has to agree. */
  readonly asksOperator: boolean;
  /** Seconds for which everybody may look at it first. */
  readonly delay: number;
  /** Whether people whom its terms name have to say yes. */
  readonly asksPeople: boolean;
}

/** What waits where the rules of the key say nothing else. Seconds. */
const USUAL_DELAY = 86_400;

/**
 * The key that a proposal is about, if this server may give its share out: certified as exportable, in this very epoch, neither
 * frozen nor stopped, expired or forked, and remembered since it began.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_EPOCH_DIFFERS`, `KEY_NOT_CERTIFIED`, `KEY_FORKED`, `CERTIFICATE_OF_ANOTHER_KEY`,
 * `EXPORT_AFTER_RESTORE`; PolicyError `KEY_NOT_EXPORTABLE`, `POLICY_…`
 */
export async function readExportable(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  { keyId, epoch, transcriptHash }: Pick<ExportProposal, 'keyId' | 'epoch' | 'transcriptHash'>,
): Promise<ExportableKey> {
  const held = await readHeldKey(context, reader, { owner, keyId, epoch });
  const { head, key } = held;
  demand(key.params.flags.exportable, 'KEY_NOT_EXPORTABLE', 'this key was not made to be exported');
  demand(head.forked === undefined, 'KEY_FORKED', 'there are two certificates of an epoch of this key');
  const isSame = equalBytes(key.transcriptHash, transcriptHash);
  demand(isSame, 'CERTIFICATE_OF_ANOTHER_KEY', 'this server has another certificate of this epoch');
  const forgot = head.forgot !== undefined;
  demand(
    !forgot,
    'EXPORT_AFTER_RESTORE',
    'this server was restored, and does not know what became of the key',
  );
  const asked = await judgeUse(context, reader, held);
  const { changes = 'operator', changeDelay = USUAL_DELAY, change } = head.policy;
  const delay = Math.max(changeDelay, context.policy.weighty(head).delay, change?.delaySeconds ?? 0);
  return {
    ...held,
    asksOperator: asked || changes === 'operator',
    delay,
    asksPeople: asksPeople(head.policy),
  };
}

/**
 * Whether its operator is asked about what the key does. What answers nothing is not given out either: an operator may take away
 * what its owner certified.
 * @throws PolicyError
 */
async function judgeUse(
  { policy, clock }: ServerContext,
  reader: Reader,
  { row: { owner, keyId }, head }: HeldKey,
): Promise<boolean> {
  const now = clock();
  const { tightened } = head;
  // Rules for requests say nothing of it: whoever may change the terms is asked.
  const about = { owner, keyId, tightened, counting: null, facts: null, said: null };
  const facts = { ...about, blind: false, expiresAt: now + 1, now };
  let refused: PolicyError | null = null;
  for (const kind of head.policy.kinds) {
    const verdict = await policy.recheck(reader, head.policy, { ...facts, kind });
    if (verdict.verdict !== 'refuse') return verdict.verdict === 'ask';
    refused = verdict.error;
  }
  throw refused!;
}
