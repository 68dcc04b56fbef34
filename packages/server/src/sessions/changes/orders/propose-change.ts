import { assertAllowed, type ChangeOrder, type ChangeView, type Parameters, versionOf } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { xidOf } from '@ckm/gordian';
import { hashOrder, parseChangeCertificate } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { certifiedBy } from '../../keys/stored/proved-epoch.js';
import { acceptRecovery } from '../../keys/accept-recovery.js';
import { assertInForce } from '../../keys/certified-policy.js';
import { type KeyHead, openHead } from '../../keys/stored/key-head.js';
import { waitFrom } from '../../waiting-time.js';
import {
  findOrder,
  withOrder,
  NO_CHANGE,
  type ChangeRecord,
  type JoiningKey,
  writeChange,
} from '../change-record.js';
import { askAboutOrder, restAsking, saidOfOrder } from '../asked-people.js';
import { storeLinks } from '../chain/check-chain.js';
import { assertUndecided, type Deciding, epochDiffers, isOfRoster, readDeciding } from '../deciding.js';
import { COUNTED_OF_WEIGHTY, isRefresh, judgeOrder } from '../guards.js';
import type { ChangeMeans } from '../means.js';
import { drawRoot } from '../receiver-seeds.js';
import { readShown, type ShownKey } from './shown-key.js';
import { NOTHING_SAID, sentenceOf, viewChange } from './view-change.js';

type Proposed = Parameters<'change.propose'>;

/**
 * Takes an order in, or shows how far this server has come with it. From the first time on its delay is counted. Another order
 * takes the place of the one before, and begins anew.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_EPOCH_DIFFERS`, `KEY_NOT_CERTIFIED`, `CHANGE_NOT_MEMBER`,
 * `POLICY_NOT_CERTIFIED`, `TERMS_DIFFER`, `KEY_FORKED`, `CHANGE_SETTLED`; AccessError `DEVICE_MAY_NOT`, `WORDS_ONLY`; PolicyError as `acceptKey`, `POLICY_RECOVERY`, `QUOTA_KEYS`, `QUOTA_BYTES`; as `checkChain` for a chain that does not hold
 */
export async function proposeChange(means: ChangeMeans, call: Call, proposed: Proposed): Promise<ChangeView> {
  const { context } = means;
  const { order } = proposed;
  const byWords = proposed.byWords === true;
  demand(!byWords || call.by.may === null, 'WORDS_ONLY', 'a device orders nothing in the name of the words');
  const hash = hashOrder(order);
  const known = await context.storage.read((reader) => readKnown(means, reader, call, proposed, hash));
  if (known !== null) return known;
  const joining = await context.storage.read((reader) => readJoiner(context, reader, call, order));
  const shown = joining ? await readShown(means, call, proposed) : null;
  return repeatWhenRaced(() =>
    call.transact((transaction) =>
      storeOrder(means, call, transaction, { order, hash, shown, goesOn: proposed.goesOn === true, byWords }),
    ),
  );
}

/** What is known of this very order already; null: it is new here. */
async function readKnown(
  means: ChangeMeans,
  reader: Reader,
  call: Call,
  proposed: Proposed,
  hash: Uint8Array,
): Promise<ChangeView | null> {
  const { context } = means;
  const { order } = proposed;
  const [goesOn, byWords] = [proposed.goesOn === true, proposed.byWords === true];
  const owner = call.account.xid;
  const done = await readDone(context, reader, owner, order, hash);
  if (done !== null) return done;
  const { keyId, epoch } = order;
  const isThere =
    (await findHolder(context, reader, owner, keyId)) !== null ||
    (await reader.changes.find(owner, keyId, epoch)) !== null;
  if (!isThere) return null;
  const deciding = await readDeciding(context, reader, { ...order, owner });
  if (isOfOtherChain(deciding, order)) return null;
  assertSameEpoch(deciding, order);
  if (isDecided(deciding, hash)) return { ...DONE, orderHash: hash };
  return isShown(means, deciding, { hash, goesOn, byWords }) ? viewChange(means, deciding, hash) : null;
}

/** Whether what follows is decided as it was ordered. @throws StateError `KEY_EPOCH_DIFFERS` where it is decided otherwise */
function isDecided(deciding: Deciding, hash: Uint8Array): boolean {
  const { decided } = deciding.record;
  if (decided === null) return false;
  if (!equalBytes(parseChangeCertificate(decided.certificate).change.order, hash)) assertUndecided(deciding);
  return true;
}

/**
 * Whether that order is here and shown as it stands: one that is over begins anew when it is proposed again, but for an operator's no,
 * and where whoever proposes it goes on with it: another client of the owner may have taken it back. One that is to be by the words, and was not, begins anew.
 */
function isShown(
  { counting }: ChangeMeans,
  deciding: Deciding,
  { hash, goesOn, byWords }: Pick<NewOrder, 'hash' | 'goesOn' | 'byWords'>,
): boolean {
  const order = findOrder(deciding.record, hash);
  if (order === null) return false;
  if (byWords && order.byWords !== true && order.operator !== 'no') return false;
  if (goesOn) return true;
  return order.operator === 'no' || judgeOrder(counting(), deciding, order).verdict !== 'over';
}

/** An order that was carried out, at a server that went on to the next epoch, or left. */
async function readDone(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  { keyId, epoch }: ChangeOrder,
  hash: Uint8Array,
): Promise<ChangeView | null> {
  const key = await reader.keys.find(owner, keyId);
  if (key === null) return null;
  const head = openHead(context, key);
  const newest = head.left?.epoch ?? key.epoch;
  if (newest <= epoch) return null;
  const { certificate } = await readPublicEpoch(context, reader, key, epoch + 1);
  const isIt = equalBytes(parseChangeCertificate(certificate).change.order, hash);
  if (!isIt) throw epochDiffers(newest, epoch);
  return { ...DONE, orderHash: hash };
}

const DONE = {
  ...NOTHING_SAID,
  spoken: [],
  state: 'done',
  readyAt: null,
  asked: false,
  reason: null,
} as const satisfies Omit<ChangeView, 'orderHash'>;

/** The key, if this server has a share of its newest epoch; null: it has none, or has left it. */
async function findHolder(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  keyId: Uint8Array,
): Promise<KeyRow | null> {
  const row = await reader.keys.find(owner, keyId);
  return row === null || openHead(context, row).left !== undefined ? null : row;
}

/** Whether this server would join by the order. @throws AccessError `KEY_UNKNOWN`, StateError `CHANGE_NOT_MEMBER` */
async function readJoiner(
  context: ServerContext,
  reader: Reader,
  call: Call,
  { keyId, roster }: ChangeOrder,
): Promise<boolean> {
  if ((await findHolder(context, reader, call.account.xid, keyId)) !== null) return false;
  if (isOfRoster(context, roster)) return true;
  throw refusal('KEY_UNKNOWN', 'there is no such key');
}

interface NewOrder {
  readonly order: ChangeOrder;
  readonly hash: Uint8Array;
  /** Of the key, at a server that joins. */
  readonly shown: ShownKey | null;
  readonly goesOn: boolean;
  /** Fewer old members than ever are to decide on it. */
  readonly byWords: boolean;
}

async function storeOrder(
  means: ChangeMeans,
  call: Call,
  transaction: Transaction,
  { order, hash, shown, goesOn, byWords }: NewOrder,
): Promise<ChangeView> {
  const { context } = means;
  const owner = call.account.xid;
  const { keyId, epoch } = order;
  await transaction.keys.hold(owner, keyId);
  const deciding = await readOrBegin(context, transaction, { order, owner }, shown?.joining ?? null);
  assertSameEpoch(deciding, order);
  demandMember(context, deciding, order);
  demandNames(deciding, order);
  assertUndecided(deciding);
  if (isShown(means, deciding, { hash, goesOn, byWords })) return viewChange(means, deciding, hash);
  const isWeighty = byWords || !isRefresh(deciding.before, order);
  assertAllowed(call.by.may, isWeighty ? 'manage' : 'use');
  const { accounts } = context;
  const isNew = deciding.key === null && deciding.former === null;
  if (isNew) await accounts.quota.key(transaction, call.account);
  await accounts.quota.bytes(transaction, call.account, ORDER_BYTES + bytesOf(shown?.joining.chain ?? []));
  if (shown !== null && shown.chain.base !== null)
    await storeLinks(context, transaction, call.account, keyId, shown.chain);
  const { suite } = deciding.before.params;
  const { policy } = deciding.key?.head ?? deciding.record.joining!;
  assertInForce(policy, order.termsVersion);
  if (isOfRoster(context, order.roster)) acceptRecovery(context, policy);
  const waited = waitFrom(means.counting(), isWeighty ? COUNTED_OF_WEIGHTY : 0);
  const by = call.by.may === null ? {} : { by: call.by.id };
  const marked = byWords ? { byWords } : {};
  const stored = { order, hash, isWeighty, waited, operator: null, over: null, ...by, ...marked };
  const root = deciding.record.root ?? drawRoot(context, { owner, keyId, epoch, suite }, policy.recovery);
  const drawn = deciding.record.drawn ?? context.random(DRAWN_BYTES);
  const record: ChangeRecord = { ...withOrder(deciding.record, stored), root, drawn };
  const row = deciding.key?.row ?? null;
  await writeChange(context, transaction, { owner, keyId, epoch }, row, deciding.changeRow, record);
  if (isWeighty) await askAnew(context, transaction, deciding, { order, byWords });
  await context.audit.append(transaction, {
    deed: 'change.propose',
    who: owner,
    keyId,
    subject: hash,
    sentence: sentenceOf(deciding, order, byWords),
    verdict: isWeighty ? 'asked' : 'allowed',
    policy: '',
    detail: `order ${encodeHex(hash).slice(0, 8)}${call.by.may === null ? '' : `, by device ${encodeHex(call.by.id).slice(0, 8)}`}`,
  });
  const said =
    deciding.key === null ? null : await saidOfOrder(context, transaction, deciding.key, record.order);
  return viewChange(means, { ...deciding, record, said }, hash);
}

/** People are asked about this order, and about the one whose place it takes no more. */
async function askAnew(
  context: ServerContext,
  transaction: Transaction,
  { key, record: before, before: epoch }: Deciding,
  { order, byWords }: Pick<NewOrder, 'order' | 'byWords'>,
): Promise<void> {
  if (key === null) return;
  await restAsking(context, transaction, key, before);
  const sentence = sentenceOf({ before: epoch }, order, byWords);
  await askAboutOrder(context, transaction, key, { order, byWords }, { sentence, lasts: COUNTED_OF_WEIGHTY });
}

const DRAWN_BYTES = 32;
/** Bytes of an order and what goes with it. */
const ORDER_BYTES = 4_096;

async function readOrBegin(
  context: ServerContext,
  reader: Reader,
  { owner, order }: { readonly owner: Uint8Array; readonly order: ChangeOrder },
  shown: JoiningKey | null,
): Promise<Deciding> {
  const { keyId, epoch } = order;
  const scope = { owner, keyId, epoch };
  if (shown === null || (await findHolder(context, reader, owner, keyId)) !== null)
    return readDeciding(context, reader, scope);
  const changeRow = await reader.changes.find(owner, keyId, epoch);
  const known = changeRow === null ? null : await readDeciding(context, reader, scope);
  if (known !== null && !isOfOtherChain(known, order)) return withTerms(known, shown);
  const isBound = known !== null && known.record.offered;
  demand(!isBound, 'CERTIFICATE_OF_ANOTHER_KEY', 'this server has signed for another key of this id');
  const row = await reader.keys.find(owner, keyId);
  const former = row === null ? null : { row, head: openHead(context, row) };
  assertSameKey(former?.head ?? null, shown);
  const before = certifiedBy(shown.parameters, shown);
  const { root = null, drawn = null, freezes = [] } = known?.record ?? {};
  const record = { ...NO_CHANGE, root, drawn, freezes, joining: shown };
  const stricter = context.policy.weighty(former?.head ?? null);
  return {
    owner,
    keyId,
    epoch,
    key: null,
    former,
    changeRow,
    record,
    before,
    stricter,
    said: null,
    slot: null,
  };
}

/** The terms of a key have changed since it was shown to a server that joins, and has signed nothing for it yet. */
function withTerms(known: Deciding, { policy }: JoiningKey): Deciding {
  const { joining, offered } = known.record;
  const isLater = joining !== null && versionOf(policy) > versionOf(joining.policy);
  if (!isLater || offered) return known;
  return { ...known, record: { ...known.record, joining: { ...joining, policy } } };
}

/** Of a key that this server does not have yet: a chain that was shown before, to take the place of this one, binds nobody. */
function isOfOtherChain({ key, before }: Deciding, { transcriptHash }: ChangeOrder): boolean {
  return key === null && !equalBytes(before.transcriptHash, transcriptHash);
}

/** A server that had the key once is shown that very key again. @throws StateError `CERTIFICATE_OF_ANOTHER_KEY` */
function assertSameKey(former: KeyHead | null, { first }: JoiningKey): void {
  const known = former?.first ?? former?.certified?.transcriptHash;
  const isSame = known === undefined || equalBytes(known, first);
  demand(
    isSame,
    'CERTIFICATE_OF_ANOTHER_KEY',
    'the chain is of another key than the one that this server had',
  );
}

/** @throws StateError `KEY_EPOCH_DIFFERS` for an order that follows something else of the same number */
function assertSameEpoch({ before, epoch }: Deciding, { transcriptHash }: ChangeOrder): void {
  if (!equalBytes(before.transcriptHash, transcriptHash)) throw epochDiffers(epoch, epoch);
}

/**
 * Whoever is new in a roster is named by its XID, which is what people compare, and by the key that its offer is checked with: the one
 * is made of the other, or a thief could name a friend's server and receive in its place.
 */
function demandNames({ before }: Deciding, { roster }: ChangeOrder): void {
  const old = before.params.roster;
  const isNamed = ({ serverId, identityKey }: ChangeOrder['roster'][number]) =>
    old.some((one) => equalBytes(one.serverId, serverId) && equalBytes(one.identityKey, identityKey)) ||
    equalBytes(serverId, xidOf({ signing: { scheme: 'ed25519', bytes: identityKey } }));
  const message = 'a server in this order is named by a key that is not its own';
  demand(roster.every(isNamed), 'CHANGE_SERVER_FALSE', message);
  const named = new Set(roster.map(({ serverId }) => encodeHex(serverId)));
  demand(named.size === roster.length, 'CHANGE_SERVER_FALSE', 'a server stands twice in this order');
}

function demandMember(context: ServerContext, { slot }: Deciding, { roster }: ChangeOrder): void {
  const isPart = slot !== null || isOfRoster(context, roster);
  demand(isPart, 'CHANGE_NOT_MEMBER', 'this server is of neither of the two epochs');
}

function bytesOf(chain: readonly Uint8Array[]): number {
  return chain.reduce((sum, { length }) => sum + length, 0);
}
