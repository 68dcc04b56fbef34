import { type CkmError, equalBytes, type Secret } from '@ckm/foundation';
import { isByWords, parseChangeCertificate, verifySignedChange } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import type { Gathered } from '../../servers/gathered.js';
import type { ChangeRecord } from '../chain/change-record.js';
import { changesOf } from '../chain/key-chain.js';
import { type Forgetting, forgettingOf } from '../forgetting.js';
import { certifyRecord, type KeyRecord } from '../key-record.js';
import { loadKeyRecord } from '../keys.js';
import {
  type ChangeMember,
  type ChangeRun,
  createChangeRun,
  faultsIn,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { adoptDecided, compareWithRecord } from './decided.js';
import { certificateFor } from './order-everywhere.js';
import { retireBehind } from './retire-behind.js';
import { commitEverywhere, retireEverywhere } from './settle.js';

export interface ChangedKey {
  readonly kind: 'change';
  readonly key: KeyRecord;
  /** The epoch that the key is in now. */
  readonly epoch: number;
  /** Whether it is what was ordered: members may have been bound to an earlier order. */
  readonly isAsOrdered: boolean;
  /** Whether fewer old members decided than ever do, by the words: another epoch of that number may stand beside it, now or ever. */
  readonly mayFork: boolean;
  /** Servers of the new epoch that have not said that they went over to it; they will when they are shown its certificate. */
  readonly behind: readonly string[];
  readonly forgetting: readonly Forgetting[];
  /** Whether other servers hold it than before: what was printed of it names the old ones. */
  readonly isElsewhere: boolean;
  /** How many of those must have destroyed their old share, backups of it included, before what is left of them is no quorum. */
  readonly forgettingNeeded: number;
  /** What servers did at the end of it that no honest one does; for people. */
  readonly faults: readonly { readonly code: string; readonly text: string }[];
}

/**
 * Goes on with a change from wherever it is: every step is stored before the next one begins, and every one may be repeated.
 * @throws AvailabilityError `SERVERS_MISSING`; PolicyError `CHANGE_WAITING`, `CHANGE_OVER`; StateError `CHANGE_VOTES_TOO_FEW`;
 * PeerFaultError
 * @param words as in {@link ChangeRun}
 */
export async function carryChange(
  context: ClientContext,
  record: ChangeRecord,
  on: OnProgress,
  words: Secret<Uint8Array> | null = null,
): Promise<ChangedKey> {
  const ordered = await createChangeRun(context, record, on, words);
  const certificate = record.certificate ?? (await certificateFor(ordered));
  const run = await adoptDecided(ordered, certificate);
  await compareWithRecord(run, certificate);
  const committed = await commitEverywhere(run, certificate);
  // What is certified is what was ordered.
  const isEverywhere = run.record.acknowledgements.length === run.record.order.quorum.of;
  const retired = isEverywhere ? await retireEverywhere(run) : null;
  const faults = [
    ...ordered.faults,
    ...[committed, retired].flatMap((gathered) => (gathered === null ? [] : faultsIn(gathered))),
  ];
  const isAsOrdered = equalBytes(run.orderHash, ordered.orderHash);
  const changed = { ...(await changedKey(run, committed, faults)), isAsOrdered };
  const isForgotten = changed.forgetting.every(({ outcome }) => outcome === 'forgot' || outcome === 'keeps');
  // One that joined, and has acknowledged and not gone over, would be told by nobody.
  const isDone = isForgotten && changed.behind.length === 0;
  if (isDone) await saveChangeRun(run, { state: 'finished' });
  const isNewest = changesOf(changed.key).length === changed.epoch;
  if (isEverywhere && isNewest) await retireBehind(context, certifyRecord(changed.key), silentAbout(changed));
  return changed;
}

/** Old members that have not been heard to forget. */
export function silentAbout({ forgetting }: Pick<ChangedKey, 'forgetting'>): readonly string[] {
  return forgetting.filter(({ outcome }) => outcome === 'silent').map(({ server }) => server);
}

async function changedKey(
  run: ChangeRun,
  committed: Gathered<ChangeMember, void>,
  faults: readonly CkmError[],
): Promise<Omit<ChangedKey, 'isAsOrdered'>> {
  const key = await loadKeyRecord(run.context.store, run.record.keyName);
  const { epoch } = run.record.order;
  return {
    kind: 'change',
    key,
    epoch: epoch + 1,
    mayFork: standsByWords(run),
    faults: faults.map(({ code, message }) => ({ code, text: message })),
    behind: [...committed.failures.keys()].flatMap((one) => (one.newSlot === null ? [] : [one.server.name])),
    isElsewhere: !haveSameServers(run.before.params.roster, run.record.order.roster),
    forgettingNeeded: run.before.params.quorum.of - run.before.params.quorum.needed + 1,
    forgetting: forgettingOf(
      key,
      epoch,
      oldMembers(run).map(({ server }) => server),
    ),
  };
}

function standsByWords({ before, record: { certificate } }: ChangeRun): boolean {
  if (certificate === null) return false;
  const change = parseChangeCertificate(certificate);
  const { transcriptHash } = verifySignedChange(before, change);
  return isByWords(change, { before, transcriptHash });
}

type Members = readonly { readonly serverId: Uint8Array }[];

function haveSameServers(one: Members, other: Members): boolean {
  return (
    one.length === other.length && one.every((a) => other.some((b) => equalBytes(a.serverId, b.serverId)))
  );
}
