import { CANCELLED_BY_OWNER, type ChangeView, type Parameters } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Gathered } from '../../servers/gathered.js';
import { certificatesOf } from '../chain/key-chain.js';
import { askWithChain } from '../chain/show-chain.js';
import { loadKeyRecord } from '../keys.js';
import { speakTo } from '../../devices/lists/speaker.js';
import { wordsNeeded } from '../../owner/owner.js';
import { termsNumbered } from '../terms/terms-of-epochs.js';
import { cancelledElsewhere, changeOver, changeWaiting, membersMissing } from './change-errors.js';
import { type ChangeMember, type ChangeRun, gatherFrom, oldMembers, saveChangeRun } from './change-run.js';
import { decidedOnRecord, findDecided } from './decided.js';
import { decideChange } from './decide.js';
import { gatherAcknowledgements } from '../gather-acknowledgements.js';
import { type Acknowledgements, showEpochs } from '../chain/show-epochs.js';

/** What servers answer to the order. */
type Answers = Gathered<ChangeMember, ChangeView>;

/** Orders the change everywhere and has old members decide, or finds out what they have decided. */
export async function certificateFor(run: ChangeRun): Promise<Uint8Array> {
  const known = await decidedOnRecord(run);
  if (known !== null) return known;
  const { order, keyName, byWords } = run.record;
  const { policy: certified, ...chain } = await loadKeyRecord(run.context.store, keyName);
  const { keyId, termsVersion } = order;
  // Whoever joins is shown those in force.
  const policy = (await termsNumbered(run.context, keyId, certified, termsVersion)) ?? certified;
  const certificates = certificatesOf(chain).slice(0, order.epoch + 1);
  const asked = run.members;
  const acknowledged = once(() => acknowledgementsOfBefore(run, certificates));
  const gathered = await gatherFrom(
    run,
    'order',
    asked,
    asked.length,
    // Whoever holds the key knows its chain.
    (member, link) => {
      const goesOn = hasHeard(run, member) ? { goesOn: true as const } : {};
      const shown = member.oldSlot === null ? certificates : [];
      const asked = { order, chain: shown, policy, ...goesOn };
      const known = { certificates, acknowledged };
      if (!byWords) return proposeAt(link, asked, known);
      return proposeByWords(run, member, {
        byWords: (speaking) => proposeAt(speaking, { ...asked, byWords }, known),
        goingOn: () => proposeAt(link, asked, known),
      });
    },
  );
  await noteHeard(run, gathered);
  const ahead = aheadOf(run, gathered);
  const decided = ahead.length === 0 ? null : await findDecided(run, ahead);
  if (decided !== null) return decided;
  await assertReady(run, gathered);
  return decideChange(run, gathered.answers);
}

/**
 * The words order it; from then on any client of the owner goes on with it, as long as the server remembers whose order it was.
 * @throws StateError `WORDS_NEEDED` where they neither lie here nor were typed
 */
async function proposeByWords(
  run: ChangeRun,
  member: ChangeMember,
  propose: {
    readonly byWords: (link: ServerLink) => Promise<ChangeView>;
    readonly goingOn: () => Promise<ChangeView>;
  },
): Promise<ChangeView> {
  const { context, words } = run;
  const missing = () => wordsNeeded('to have fewer servers decide than ever do');
  const areThere = words !== null || (await context.owner()).words !== null;
  if (areThere) return speakTo(context, member.server, words, ({ link }) => propose.byWords(link));
  if (!hasHeard(run, member)) throw missing();
  const view = await propose.goingOn();
  if (view.byWords !== true && (view.state === 'waiting' || view.state === 'ready')) throw missing();
  return view;
}

function hasHeard({ record: { heard } }: ChangeRun, { server }: ChangeMember): boolean {
  return heard.some((xid) => equalBytes(xid, server.xid));
}

async function noteHeard(run: ChangeRun, { answers }: Answers): Promise<void> {
  const fresh = [...answers.keys()].filter((member) => !hasHeard(run, member));
  if (fresh.length === 0) return;
  await saveChangeRun(run, { heard: [...run.record.heard, ...fresh.map(({ server }) => server.xid)] });
}

/** Tells one server of the order; one that was away is shown the epochs between first. A lie about where it is costs one call for each. */
async function proposeAt(
  link: ServerLink,
  {
    chain,
    ...proposed
  }: Omit<Parameters<'change.propose'>, 'chain'> & { readonly chain: readonly Uint8Array[] },
  { certificates, acknowledged }: Known,
): Promise<ChangeView> {
  const { keyId, epoch } = proposed.order;
  const propose = () =>
    askWithChain(link, keyId, chain, (shown) => link.call('change.propose', { ...proposed, chain: shown }));
  try {
    return await propose();
  } catch (error) {
    const differs = error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS';
    const behind = differs ? error.facts['epoch'] : null;
    if (typeof behind !== 'number' || behind < 0 || behind >= epoch) throw error;
    await showEpochs(link, keyId, certificates.slice(behind + 1), await acknowledged());
    return propose();
  }
}

/** What whoever was away is shown. */
interface Known {
  /** Up to the deciding epoch. */
  readonly certificates: readonly Uint8Array[];
  /** Of the deciding epoch. */
  readonly acknowledged: () => Promise<Acknowledgements>;
}

function acknowledgementsOfBefore(run: ChangeRun, certificates: readonly Uint8Array[]) {
  const members = oldMembers(run).map(({ oldSlot, server }) => ({ slot: oldSlot!, server }));
  return gatherAcknowledgements(run.context, { newest: run.before, certificates }, members);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

/** Members that say that the next epoch stands. */
function aheadOf(run: ChangeRun, { answers, failures }: Answers): readonly ChangeMember[] {
  const { epoch } = run.record.order;
  const isAhead = (error: CkmError) =>
    error.code === 'KEY_EPOCH_DIFFERS' && Number(error.facts['epoch']) > epoch;
  return [
    ...[...answers].flatMap(([member, { state }]) => (state === 'done' ? [member] : [])),
    ...[...failures].flatMap(([member, error]) => (isAhead(error) ? [member] : [])),
  ];
}

/**
 * Everybody who is to receive a share has to be there, and enough of those who decide.
 * @throws PolicyError `CHANGE_OVER`, `CHANGE_WAITING`; AvailabilityError `SERVERS_MISSING`
 */
async function assertReady(run: ChangeRun, { answers, failures }: Answers): Promise<void> {
  const isNeeded = (member: ChangeMember) => member.newSlot !== null;
  const views = [...answers];
  const over = views.find(([member, { state }]) => state === 'over' && isNeeded(member));
  if (over !== undefined) {
    const [{ server }, { reason }] = over;
    const state = reason === CANCELLED_BY_OWNER ? 'cancelled' : 'failed';
    await saveChangeRun(run, { state, reason: reason ?? `${server.name} refuses` });
    throw state === 'cancelled' ? cancelledElsewhere(run, server.name) : changeOver(run, server.name, reason);
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
