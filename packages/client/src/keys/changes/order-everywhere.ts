import type { ChangeView, Parameters } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import { isSilence } from '../../servers/ask-all.js';
import { certificatesOf } from '../chain/key-chain.js';
import { loadKeyRecord } from '../keys.js';
import { changeOver, changeWaiting, membersMissing } from './change-errors.js';
import {
  type ChangeMember,
  type ChangeRun,
  type Gathered,
  gatherFrom,
  isOfMember,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { decideChange } from './decide.js';
import { epochOf } from './settle.js';
import { showEpochs } from '../chain/show-epochs.js';

/** Orders the change everywhere and has old members decide, or finds out what they have decided. */
export async function certificateFor(run: ChangeRun): Promise<Uint8Array> {
  const { order, keyName } = run.record;
  const { policy, ...chain } = await loadKeyRecord(run.context.store, keyName);
  const certificates = certificatesOf(chain).slice(0, order.epoch + 1);
  const asked = run.members;
  const gathered = await gatherFrom(
    run,
    { step: 'order', text: 'telling servers what is to change' },
    asked,
    asked.length,
    // Whoever holds the key knows its chain.
    ({ oldSlot }, link) =>
      proposeAt(link, { order, chain: oldSlot === null ? certificates : [], policy }, certificates),
  );
  const ahead = await decidedBefore(run, gathered);
  if (ahead !== null) return ahead;
  await assertReady(run, gathered);
  return decideChange(run, gathered.answers);
}

/** Tells one server of the order; one that was away is shown the epochs between first. A lie about where it is costs one call for each. */
async function proposeAt(
  link: ServerLink,
  {
    chain,
    ...proposed
  }: Omit<Parameters<'change.propose'>, 'chain'> & { readonly chain: readonly Uint8Array[] },
  certificates: readonly Uint8Array[],
): Promise<ChangeView> {
  const propose = () => link.call('change.propose', { ...proposed, chain: [...chain] });
  try {
    return await propose();
  } catch (error) {
    const differs = error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS';
    const behind = differs ? error.facts['epoch'] : null;
    const { keyId, epoch } = proposed.order;
    if (typeof behind !== 'number' || behind < 0 || behind >= epoch) throw error;
    await showEpochs(link, keyId, certificates.slice(behind + 1));
    return propose();
  }
}

/** The certificate of the next epoch, where a server shows that one stands already; null: none does. */
async function decidedBefore(run: ChangeRun, gathered: Gathered<ChangeView>): Promise<Uint8Array | null> {
  const { epoch } = run.record.order;
  const isAhead = (error: CkmError) =>
    error.code === 'KEY_EPOCH_DIFFERS' && Number(error.facts['epoch']) > epoch;
  const members = [
    ...[...gathered.answers].flatMap(([member, { state }]) => (state === 'done' ? [member] : [])),
    ...[...gathered.failures].flatMap(([member, error]) => (isAhead(error) ? [member] : [])),
  ];
  for (const member of members) {
    const certificate = await nextAt(run, member);
    // A certificate that does not hold proves nothing against anybody: the next server is asked.
    if (certificate !== null && provedBy(run, certificate)) return certificate;
  }
  return null;
}

/** What a server shows behind the epoch that decides; null: nothing, or it does not answer. */
async function nextAt(run: ChangeRun, member: ChangeMember): Promise<Uint8Array | null> {
  const { keyId, epoch } = run.record.order;
  try {
    const { certificates } = await run.links.get(member)!.call('key.chain', { keyId, after: epoch });
    return certificates[0] ?? null;
  } catch (error) {
    if (isSilence(error) || isOfMember(error, member)) return null;
    throw error;
  }
}

function provedBy(run: ChangeRun, certificate: Uint8Array): boolean {
  try {
    epochOf(run, certificate);
    return true;
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/**
 * Everybody who is to receive a share has to be there, and enough of those who decide.
 * @throws PolicyError `CHANGE_OVER`, `CHANGE_WAITING`; AvailabilityError `SERVERS_MISSING`
 */
async function assertReady(run: ChangeRun, { answers, failures }: Gathered<ChangeView>): Promise<void> {
  const isNeeded = (member: ChangeMember) => member.newSlot !== null;
  const views = [...answers];
  const over = views.find(([member, { state }]) => state === 'over' && isNeeded(member));
  if (over !== undefined) {
    await saveChangeRun(run, { state: 'failed', reason: over[1].reason ?? `${over[0].server.name} refuses` });
    throw changeOver(run, over[0].server.name, over[1].reason);
  }
  const missing = new Map([...failures].filter(([member]) => isNeeded(member)));
  if (missing.size > 0) throw membersMissing(run, missing, 'the change');
  const ready = views.filter(([, { state }]) => state === 'ready');
  const deciding = ready.filter(([{ oldSlot }]) => oldSlot !== null).length;
  const areReady = views.every(([member, { state }]) => state === 'ready' || !isNeeded(member));
  if (areReady && deciding >= run.deciders.needed) return;
  // Of those that leave nobody is waited for where the others are enough to decide.
  const staying = oldMembers(run).filter(isNeeded).length;
  const counts = (member: ChangeMember) => isNeeded(member) || staying < run.deciders.needed;
  const waiting = views.filter(([member, { state }]) => state === 'waiting' && counts(member));
  if (waiting.length === 0) throw membersMissing(run, failures, 'the decision');
  const asking = waiting.flatMap(([member, { asked }]) => (asked ? [member.server.name] : []));
  const times = waiting.flatMap(([, { readyAt }]) => (readyAt === null ? [] : [readyAt]));
  throw changeWaiting(run, asking, times.length === 0 ? null : Math.max(...times));
}
