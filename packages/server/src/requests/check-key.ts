import type { Parameters, Result } from '@ckm/api';
import { BugError, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import {
  type PublicEpoch,
  type KeyCheckQuestion,
  parseKeyParams,
  proveShare,
  verifyShareProof,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../context.js';
import { type ActiveKey, assertEpoch } from '../sessions/keys/active-keys.js';
import { whenHeadKnown } from '../sessions/keys/head-memory.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { readEpoch } from '../sessions/keys/stored/read-key.js';
import { rowChanged } from '../storage/codes.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Reader } from '../storage/storage.js';
import type { RequestMeans } from './means.js';
import { assertNotStopped, SHARE_WRONG, stopKey } from './stop-key.js';

/** A proof, and its check before it leaves: 0.5 to 2.5 ms of one core as measured, more where arithmetic is slow. */
const KEY_CHECK_MS = 8;

/**
 * Answers `key.check`: proves that this server holds the share that was certified for it. Nothing of the key is used up, and
 * nothing is written, whoever of several replicas is asked. A key that computed a wrong share proves nothing either: a wrong
 * proof would give as much away as a wrong share. One that its owner has frozen does: nothing is done with it.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_EPOCH_DIFFERS`; PolicyError `POLICY_KEY_STOPPED`,
 * `QUOTA_COST`; StorageError `SHARE_NOT_CERTIFIED`, `EPOCH_KEY_MISSING`, `ROW_TAMPERED`; BugError `SIGNATURE_SHARE_WRONG`
 */
export async function checkKey(
  means: RequestMeans,
  call: Call,
  asked: Parameters<'key.check'>,
): Promise<Result<'key.check'>> {
  const { context, costs } = means;
  const { keyId, challenge, at } = asked;
  costs.charge(call.account, { reading: KEY_CHECK_MS, attempt: 0 });
  const owner = call.account.xid;
  const { key, certified, share } = await whenHeadKnown(context, { owner, keyId }, () =>
    repeatWhenRaced(() => context.storage.read((reader) => readForCheck(means, reader, owner, asked))),
  );
  try {
    const question: KeyCheckQuestion = { slot: key.share.party, challenge, askedAt: at };
    const proof = proveShare(certified, question, share, context.random(32));
    if (verifyShareProof(certified, question, proof)) return { proof };
  } finally {
    wipe(share);
  }
  await context.storage.transact((transaction) => stopKey(means, transaction, key, challenge));
  throw new BugError('the proof of a share computed here is wrong', {
    code: SHARE_WRONG,
    hint: 'check this machine for faults',
  });
}

/** With a copy of the share, which nobody else wipes before the proof is made; the caller does. */
async function readForCheck(
  { context, keys }: RequestMeans,
  reader: Reader,
  owner: Uint8Array,
  asked: Parameters<'key.check'>,
): Promise<{
  readonly key: ActiveKey;
  readonly certified: PublicEpoch;
  readonly share: Secret<Uint8Array>;
}> {
  const key = await keys.find(reader, owner, asked.keyId);
  assertEpoch(key, asked);
  assertNotStopped(key);
  const certified = await readCertified(context, reader, key);
  return { key, certified, share: secret(reveal(key.share.share, 'prove that it is held').slice()) };
}

/** @throws StateError `ROW_CHANGED` when the key is not the one that was found */
async function readCertified(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, version, share }: ActiveKey,
): Promise<PublicEpoch> {
  const row = await reader.keys.find(owner, keyId);
  if (row?.version !== version) throw rowChanged('keys');
  const head = openHead(context, row);
  const { parameters } = await readEpoch(context, reader, row, head);
  const { transcriptHash } = head.certified!;
  return { params: parseKeyParams(parameters), transcriptHash, public: share.public };
}
