import type { DkgResult, KeyTerms, Parameters } from '@ckm/api';
import { CkmError, EncodingError, equalBytes, PeerFaultError, wipe } from '@ckm/foundation';
import { DRILL } from '@ckm/requests';
import {
  encodeKeyParams,
  parseCertificate,
  recoverShare,
  type KeyCertificate,
  type KeyOutput,
  type KeyParams,
  type RosterEntry,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { rowChanged } from '../../storage/codes.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { beginEpoch } from '../changes/epoch/begin-epoch.js';
import { takeFreezes } from '../changes/epoch/joining-freezes.js';
import { certifyKey } from '../dkg/complete-key.js';
import { makeRoomForDrill } from '../drills/drill-keys.js';
import { acceptKey } from '../dkg/new-key.js';
import { staticKeyFrom } from '../dkg/offer.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import { askFirst } from '../keys/counts/ask-first.js';
import { assertCertified } from '../keys/certified-policy.js';
import { type EpochRecord, resultOf, wipeKey } from '../keys/stored/epoch-record.js';
import { findOwnEntry } from '../keys/own-entry.js';
import { openHead } from '../keys/stored/key-head.js';
import { isShareHere, type KeySecrets, readEpoch, readSecrets } from '../keys/stored/read-key.js';
import { writeKey } from '../keys/stored/write-key.js';

/**
 * Gives this server its share of a key back, from the certificate that the key's owner shows. Nothing is believed but the
 * certificate, which this server signed itself once, and the seed of its static key: kept in the row of a key that waits
 * for its certificate, or derived from this server's identity *and the account that asks* (static backup), so that to
 * anybody else the share stays what it is in the certificate, a ciphertext. It is used when others have said that its epoch is the newest.
 *
 * A key that is active is never touched: to its own certificate the answer is the one given before. Nonces: none come
 * back, and none of before can be used, because each was known only to a process or a database that is gone.
 * @throws EncodingError, PeerFaultError as `verifyCertificate`; StateError `KEY_NOT_RESTORABLE`,
 * `CERTIFICATE_OF_ANOTHER_KEY`, `POLICY_NOT_CERTIFIED`; PolicyError `QUOTA_…` or as `acceptKey`
 */
export async function restoreKey(
  context: ServerContext,
  call: Call,
  { certificate, policy }: Parameters<'key.restore'>,
): Promise<DkgResult> {
  const shown = parseShown(certificate, policy);
  const { result, restored } = await repeatWhenRaced(() => restoreOnce(context, call, shown));
  if (restored) context.events.keyActivated({ suite: shown.certificate.params.suite });
  return result;
}

/** What the owner shows. */
interface Shown {
  readonly certificate: KeyCertificate;
  readonly policy: KeyTerms;
}

/** @throws EncodingError as `parseCertificate`; StateError `POLICY_NOT_CERTIFIED` */
function parseShown(bytes: Uint8Array, policy: KeyTerms): Shown {
  const certificate = parseCertificate(bytes);
  assertCertified(certificate.params, policy);
  return { certificate, policy };
}

async function restoreOnce(
  context: ServerContext,
  call: Call,
  shown: Shown,
): Promise<{ readonly result: DkgResult; readonly restored: boolean }> {
  const { params } = shown.certificate;
  const { keyId, suite, purpose, flags } = params;
  const { row, waiting, isHere } = await context.storage.read((reader) =>
    readOwn(context, reader, call.account.xid, params),
  );
  if (row?.state === 'active' && isHere) {
    return { result: resultOf(keyId, openHead(context, row)), restored: false };
  }
  acceptKey(context, { keyId, suite, purpose, policy: shown.policy, exportable: flags.exportable });
  const record = recoverRecord(context, call.account.xid, waiting, shown);
  try {
    await call.transact((transaction) => store(context, call, transaction, row, keyId, record));
    return { result: resultOf(keyId, record), restored: true };
  } finally {
    wipeKey(record);
  }
}

/** What is kept of a key that waits for its certificate. */
type Waiting = Pick<KeySecrets, 'staticSeed'> & Pick<EpochRecord, 'sessionId'>;

interface Own {
  readonly row: KeyRow | null;
  readonly waiting: Waiting | null;
  /** Whether what is sealed of it opens. */
  readonly isHere: boolean;
}

/**
 * What is stored of this key already, and the secrets of one that waits for its certificate, as far as they open.
 * @throws StateError `CERTIFICATE_OF_ANOTHER_KEY` when the row is of another key, or another making of it
 */
async function readOwn(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  params: KeyParams,
): Promise<Own> {
  const row = await reader.keys.find(owner, params.keyId);
  if (row === null) return { row, waiting: null, isHere: false };
  const head = openHead(context, row);
  const { parameters } = await readEpoch(context, reader, row, head);
  const isSame = equalBytes(parameters, encodeKeyParams(params));
  demand(isSame, 'CERTIFICATE_OF_ANOTHER_KEY', 'this server has another key of this id');
  const { sessionId } = head;
  if (!(await isShareHere(context, reader, row))) {
    return { row, waiting: { sessionId, staticSeed: null }, isHere: false };
  }
  const { share, pending, staticSeed } = await readSecrets(context, reader, row, head);
  share?.fill(0);
  pending?.fill(0);
  return { row, waiting: { sessionId, staticSeed }, isHere: true };
}

function ownEntry({ identity }: ServerContext, params: KeyParams): RosterEntry {
  const own = findOwnEntry(identity, params);
  if (own !== null) return own;
  throw notRestorable();
}

function recoverRecord(
  context: ServerContext,
  owner: Uint8Array,
  waiting: Waiting | null,
  { certificate, policy }: Shown,
): EpochRecord {
  const { params } = certificate;
  const own = ownEntry(context, params);
  const { suite, purpose, quorum, keyId, epoch } = params;
  const staticSeed = waiting?.staticSeed ?? context.staticSeeds.derive({ owner, suite, keyId, epoch });
  const sessionId = waiting?.sessionId ?? null;
  const recovered = recover(certificate, own, staticSeed);
  const certified = certifyKey(context, recovered);
  wipe(recovered.share.share);
  const parameters = encodeKeyParams(params);
  const { slot } = own;
  const described = { suite, purpose, quorum, policy, slot, epoch, sessionId, parameters };
  return { ...described, pending: null, staticSeed, certified };
}

/**
 * Whatever goes wrong with the static key is one and the same refusal: whom it suspects, also as a number in the metrics,
 * would tell something about that key to whoever has written the certificate (V32a).
 */
function recover(certificate: KeyCertificate, own: RosterEntry, seed: Uint8Array): KeyOutput {
  const { staticKey, staticSecret } = staticKeyFrom(certificate.params, seed);
  try {
    // First, because it is cheap and says no more than an offer for the same key would.
    if (!equalBytes(staticKey, own.staticKey)) throw notRestorable();
    return recoverShare(certificate, staticSecret);
  } catch (error) {
    seed.fill(0);
    if (!(error instanceof CkmError) || isPublic(error)) throw error;
    throw notRestorable();
  } finally {
    wipe(staticSecret);
  }
}

/** Of what everybody can find in a certificate, without any secret. */
function isPublic(error: CkmError): boolean {
  if (error instanceof PeerFaultError) return error.code.startsWith('FAULT_');
  return error instanceof EncodingError && error.code !== 'SCALAR_INVALID';
}

function notRestorable() {
  return refusal('KEY_NOT_RESTORABLE', 'this server has kept nothing from which its share could come back');
}

/** Bytes of a key besides its certificate, and its parameters, which are in that too. */
const MOST_BESIDES = 2_048;

async function store(
  context: ServerContext,
  { account }: Call,
  transaction: Transaction,
  before: KeyRow | null,
  keyId: Uint8Array,
  record: EpochRecord,
): Promise<void> {
  const owner = account.xid;
  const row = await transaction.keys.hold(owner, keyId);
  // Somebody else was quicker with it: nothing is written over, and the caller looks anew.
  if (row?.version !== before?.version) throw rowChanged('keys');
  if (row === null) {
    if (record.purpose === DRILL) await makeRoomForDrill(context, transaction, owner);
    await context.accounts.quota.key(transaction, account);
    const { certificate } = record.certified!;
    await context.accounts.quota.bytes(transaction, account, 2 * certificate.length + MOST_BESIDES);
  }
  const isBack = row === null || !(await isShareHere(context, transaction, row));
  const written = await writeKey(context, transaction, row, { owner, keyId, state: 'active' }, record);
  // A key of a drill has one epoch, and signs one text.
  if (isBack && record.purpose !== DRILL) await askFirst(context, transaction, written);
  if (row === null) {
    await takeFreezes(context, transaction, { owner, keyId }, null);
    await beginEpoch(context, transaction, { owner, keyId });
  }
  if (row?.state === 'pending') await context.accounts.quota.keyComesIntoUse(transaction, account);
  await context.audit.append(transaction, {
    deed: 'key.restore',
    who: owner,
    keyId,
    subject: record.sessionId,
    sentence: `Restore a key (${record.suite}) for ${record.purpose} from its certificate.`,
    verdict: 'done',
    policy: '',
    detail: `slot ${record.slot}`,
  });
}
