import type { InvitingServer, ShownMatter, VoteMatter } from '@ckm/api';
import { CkmError, type Secret } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
import type { Description } from '@ckm/requests';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { LinkMeans } from '../carrier/server-link.js';
import { listed } from '../servers/faults.js';
import type { RecordStore } from '../store/record-store.js';
import { shortId } from '../store/track.js';
import { approvalDiffers, approvalUnread } from './approver-errors.js';
import { approverIdentity } from './approver-identity.js';
import type { ApproverKey } from './approver-key.js';
import { askServers, showAt, type SilentHere } from './ask-servers.js';
import { contentOf, firstEpoch, type ReadMatter, readMatter } from './matter.js';
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

/** One content, which servers show it, and until when it is open at each. */
export interface ShownContent {
  readonly shown: ShownMatter;
  readonly by: readonly InvitingServer[];
  /** UnixSeconds, in the order of `by`: each server says it for itself alone. */
  readonly ends: readonly number[];
  /** What any of them shows that was said so far. */
  readonly votes: readonly Uint8Array[];
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
  /** What this approver has said; null: nothing that is on record here. */
  readonly said: Said | null;
}

/** A view with what a vote is made of. */
export interface LookedAt extends MatterNamed {
  readonly view: MatterView;
  readonly contents: readonly ShownContent[];
}

/**
 * Looks at one matter at every server of its key.
 * @returns null: no server that answers asks this approver about it
 */
export async function lookAt(means: ApproverMeans, named: MatterNamed): Promise<LookedAt | null> {
  const { store } = means;
  const { matter, matterId } = named;
  const { keyId } = named.key;
  return asApprover(means, keyId, async (me) => {
    const known = epochKnown(named.key);
    const { heard, silent } = await askServers(means, me, named.key, (link) =>
      showAt(link, { matter, matterId, keyId }, known?.transcriptHash ?? null),
    );
    const shown = heard.flatMap(({ server, said }) => (said === null ? [] : [{ server, said }]));
    const contents = contentsOf(shown);
    const [first] = contents;
    if (first === undefined) return null;
    const { key, epoch } = withEpoch(
      named.key,
      shown.map(({ said }) => said),
    );
    const read = readAll(contents, { key, epoch, me: me.xid, now: means.clock() });
    const said = await saidIn(store, { keyId, matter, matterId });
    const notAt = heard.flatMap((one) => (one.said === null ? [one.server.name] : []));
    const view = { ...viewOf({ ...named, key }, contents, read), notAt, silent, said };
    return { ...named, key, view, contents };
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

type ShownAt = { readonly server: InvitingServer; readonly said: ShownMatter };

function contentsOf(shown: readonly ShownAt[]): readonly ShownContent[] {
  const contents = new Map<string, ShownAt[]>();
  for (const one of shown) {
    const content = contentOf(one.said);
    contents.set(content, [...(contents.get(content) ?? []), one]);
  }
  return [...contents.values()]
    .map((all) => ({
      shown: all[0]!.said,
      by: all.map(({ server }) => server),
      ends: all.map(({ said }) => said.expiresAt),
      votes: all.flatMap(({ said }) => said.votes),
    }))
    .toSorted((a, b) => b.by.length - a.by.length);
}

function epochKnown(key: ApproverKey): CertifiedEpoch | null {
  return key.certificate === null ? null : firstEpoch(key.certificate, key, 'owner');
}

/** The key with the first certificate of it that was known, or that a server shows; nothing is written. */
function withEpoch(
  key: ApproverKey,
  shown: readonly ShownMatter[],
): { readonly key: ApproverKey; readonly epoch: CertifiedEpoch | null } {
  const known = epochKnown(key);
  if (known !== null) return { key, epoch: known };
  for (const { certificate } of shown) {
    const epoch = certificate === null ? null : firstEpoch(certificate, key, 'server');
    if (epoch !== null) return { key: { ...key, certificate }, epoch };
  }
  return { key, epoch: null };
}

type Read = { readonly read: ReadMatter | null; readonly doubt: CkmError | null };

function readAll(
  contents: readonly ShownContent[],
  { epoch, ...reading }: { key: ApproverKey; epoch: CertifiedEpoch | null; me: Uint8Array; now: number },
): Read {
  if (epoch === null) return { read: null, doubt: approvalUnread(NO_CERTIFICATE) };
  const each = contents.map(({ shown, by: [server] }): Read => {
    try {
      const { xid: shownBy } = server!;
      return { read: readMatter(shown, { ...reading, epoch, shownBy }), doubt: null };
    } catch (error) {
      if (error instanceof CkmError) return { read: null, doubt: error };
      throw error;
    }
  });
  if (contents.length === 1) return each[0]!;
  const what = contents.map(({ by }, at) => {
    const names = listed(by.map(({ name }) => name));
    return `${names}: ${each[at]!.read?.description.sentence ?? 'something that cannot be read'}`;
  });
  return { read: null, doubt: approvalDiffers(what.join('; ')) };
}

const NO_CERTIFICATE =
  'no server shows the first certificate of the key; have the owner invite you anew, now that the key is made';

function viewOf(
  { key, matter, matterId }: MatterNamed,
  contents: readonly ShownContent[],
  { read, doubt }: Read,
): Omit<MatterView, 'notAt' | 'silent' | 'said'> {
  const [{ shown }] = contents as readonly [ShownContent];
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
    expiresAt: mostShown(contents[0]!.ends),
    shownBy: contents.flatMap(({ by }) => by.map(({ name }) => name)),
  };
}

/** What most servers say; of several that as many say the latest. */
function mostShown(ends: readonly number[]): number {
  const times = (end: number) => ends.filter((one) => one === end).length;
  return ends.toSorted((a, b) => times(b) - times(a) || b - a)[0]!;
}
