import type { ShownMatter, VoteMatter } from '@ckm/api';
import type { CkmError, Secret } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
import type { Description } from '@ckm/requests';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { LinkMeans } from '../carrier/server-link.js';
import type { RecordStore } from '../store/record-store.js';
import { shortId } from '../store/track.js';
import { approverIdentity } from './approver-identity.js';
import type { ApproverKey } from './approver-key.js';
import { askServers, showAt, type SilentHere } from './ask-servers.js';
import { type LeftOut, type ReadContents, readContents } from './contents.js';
import { firstOfMost } from './first-certificate.js';
import { firstEpoch } from './matter.js';
import { saidIn, type Said } from './said.js';

/** With what an approver works. */
export interface ApproverMeans extends LinkMeans {
  readonly store: RecordStore;
  secret(): Promise<Secret<Uint8Array>>;
}

/** A matter by its whole name. */
export interface MatterNamed {
  readonly key: ApproverKey;
  readonly matter: VoteMatter;
  readonly matterId: Uint8Array;
}

/** Something that waits for an approver, as servers show it and as it reads here. */
export interface MatterView {
  /** Its first eight hex digits. */
  readonly id: string;
  readonly matterId: Uint8Array;
  readonly keyId: Uint8Array;
  readonly keyName: string;
  /** What this approver is called in the terms. */
  readonly approver: string;
  readonly matter: VoteMatter;
  readonly kind: string;
  /** Whether the owner of the key asks, and not a device of his; null: that cannot be told. */
  readonly isOwner: boolean | null;
  /** Eight hex digits of who asks; null: nobody in particular. */
  readonly requester: string | null;
  /** Null: it cannot be read, and nobody can say yes to it here. */
  readonly description: Description | null;
  /** Why nobody can say yes to it here; null: it can be. */
  readonly doubt: CkmError | null;
  readonly terms: readonly string[];
  /** Names of those who have said yes, and no, to what is shown. */
  readonly yes: readonly string[];
  readonly no: readonly string[];
  /** UnixSeconds */
  readonly expiresAt: number;
  /** Names of servers that show it, of those that answer and do not ask this approver about it, and who did not answer. */
  readonly shownBy: readonly string[];
  readonly notAt: readonly string[];
  readonly silent: readonly SilentHere[];
  /** Servers whose word about this is not taken, and what each of them shows. */
  readonly leftOut: readonly LeftOut[];
  /** What this approver has said; null: nothing that is on record here. */
  readonly said: Said | null;
}

/** A view with what a vote is made of. */
export interface LookedAt extends MatterNamed {
  /** Whether the certificate of its key is on record, or may be put there with what is said. */
  readonly isKept: boolean;
  readonly view: MatterView;
  readonly contents: ReadContents['contents'];
  /** What any server shows that was said so far. */
  readonly votes: readonly Uint8Array[];
}

/**
 * Looks at one matter at every server of its key.
 * @param without names of servers whose word about it the approver does not take
 * @returns null: no server that answers asks this approver about it
 * @throws as `readContents`
 */
export async function lookAt(
  means: ApproverMeans,
  named: MatterNamed,
  without: readonly string[] = [],
): Promise<LookedAt | null> {
  const { store } = means;
  const { matter, matterId } = named;
  const { keyId } = named.key;
  return asApprover(means, keyId, async (me) => {
    const known = epochKnown(named.key);
    const { heard, silent } = await askServers(means, me, named.key, (link) =>
      showAt(link, { matter, matterId, keyId }, known?.transcriptHash ?? null),
    );
    const shown = heard.flatMap(({ server, said }) => (said === null ? [] : [{ server, said }]));
    if (shown.length === 0) return null;
    const { key, epoch, isKept } = withEpoch(
      named.key,
      shown.map(({ said }) => said),
    );
    const read = readContents(shown, { key, epoch, me: me.xid, now: means.clock() }, without);
    const said = await saidIn(store, { keyId, matter, matterId });
    const notAt = heard.flatMap((one) => (one.said === null ? [one.server.name] : []));
    const view = { ...viewOf({ ...named, key }, read), notAt, silent, said };
    const votes = shown.flatMap((one) => one.said.votes);
    return { ...named, key, isKept, view, contents: read.contents, votes };
  });
}

/** Speaks as the approver of one key, and forgets the key afterwards. */
export async function asApprover<T>(
  means: ApproverMeans,
  keyId: Uint8Array,
  work: (me: Identity) => Promise<T>,
): Promise<T> {
  const secret = await means.secret();
  const me = approverIdentity(secret, keyId);
  try {
    return await work(me);
  } finally {
    wipeIdentity(me);
  }
}

/** By the first certificate that is on record; null: none is. */
export function epochKnown(key: ApproverKey): CertifiedEpoch | null {
  return key.certificate === null ? null : firstEpoch(key.certificate, key, 'owner');
}

/** The key with the first certificate of it that was known, or that a server shows; nothing is written. */
function withEpoch(
  key: ApproverKey,
  shown: readonly ShownMatter[],
): { readonly key: ApproverKey; readonly epoch: CertifiedEpoch | null; readonly isKept: boolean } {
  const known = epochKnown(key);
  if (known !== null) return { key, epoch: known, isKept: true };
  const first = firstOfMost(
    key,
    shown.map(({ certificate }) => certificate),
  );
  if (first === null) return { key, epoch: null, isKept: false };
  const { certificate, epoch, isWordOfEnough: isKept } = first;
  return { key: { ...key, certificate, isShown: true }, epoch, isKept };
}

function viewOf(
  { key, matter, matterId }: MatterNamed,
  { contents, leftOut, read, doubt }: ReadContents,
): Omit<MatterView, 'notAt' | 'silent' | 'said'> {
  const [{ shown, ends }] = contents;
  return {
    id: shortId(matterId),
    matterId,
    keyId: key.keyId,
    keyName: key.keyName,
    approver: key.name,
    matter,
    kind: shown.kind,
    isOwner: read?.isOwner ?? null,
    requester: shown.requester === null ? null : shortId(shown.requester),
    description: read?.description ?? null,
    doubt,
    terms: read?.terms ?? [],
    yes: read?.yes ?? [],
    no: read?.no ?? [],
    expiresAt: mostShown(ends),
    shownBy: contents.flatMap(({ by }) => by.map(({ name }) => name)),
    leftOut,
  };
}

/** What most servers say; of several that as many say the latest. */
function mostShown(ends: readonly number[]): number {
  const times = (end: number) => ends.filter((one) => one === end).length;
  return ends.toSorted((a, b) => times(b) - times(a) || b - a)[0]!;
}
