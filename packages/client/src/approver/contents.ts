import type { InvitingServer, ShownMatter } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import { listed } from '../servers/faults.js';
import { approvalDiffers, approvalUnread, shownByTooFew, withoutUnknown } from './approver-errors.js';
import type { ApproverKey } from './approver-key.js';
import { contentOf, type Reading, readMatter, type ReadMatter } from './matter.js';

/** One content, which servers show it, and until when it is open at each. */
export interface ShownContent {
  readonly shown: ShownMatter;
  readonly by: readonly InvitingServer[];
  /** UnixSeconds, in the order of `by`: each server says it for itself alone. */
  readonly ends: readonly number[];
}

/** A server whose word is not taken about a matter. */
export interface LeftOut {
  readonly server: string;
  /** In words. */
  readonly shows: string;
  /** Whether what it shows contradicts itself; else the approver said to leave it out. */
  readonly isFalse: boolean;
}

/** What is voted on, and how it reads. */
export interface ReadContents {
  /** Most servers first. */
  readonly contents: readonly [ShownContent, ...ShownContent[]];
  readonly leftOut: readonly LeftOut[];
  readonly read: ReadMatter | null;
  readonly doubt: CkmError | null;
}

export type ShownAt = { readonly server: InvitingServer; readonly said: ShownMatter };

interface Content {
  readonly content: ShownContent;
  readonly read: ReadMatter | null;
  readonly doubt: CkmError | null;
}

type Readers = Omit<Reading, 'epoch' | 'shownBy'> & { readonly epoch: CertifiedEpoch | null };

/**
 * Reads what servers show of one matter. What contradicts itself is left out, as long as something else is shown; of what remains, whatever the approver
 * says by name.
 * @param shown at least one
 * @throws UsageError `SERVER_UNKNOWN`; StateError `APPROVAL_SHOWN_BY_TOO_FEW`
 */
export function readContents(
  shown: readonly ShownAt[],
  readers: Readers,
  without: readonly string[],
): ReadContents {
  const all = contentsOf(shown).map((content) => readContent(content, readers));
  const standing = all.filter(({ doubt }) => doubt?.code !== 'APPROVAL_FALSE');
  const [used, dropped] =
    standing.length === 0 ? [all, []] : [standing, all.filter((one) => !standing.includes(one))];
  const { kept, named } = leaveOut(used, readers, without);
  const [first, ...others] = kept as [Content, ...Content[]];
  const leftOut = [
    ...dropped.flatMap((one) => leftOutOf(one, true)),
    ...named.flatMap((one) => leftOutOf(one, false)),
  ];
  const contents = [first.content, ...others.map(({ content }) => content)] as const;
  if (others.length === 0) return { contents, leftOut, read: first.read, doubt: first.doubt };
  const what = kept.map(
    ({ content: { by }, ...one }) => `${listed(by.map(({ name }) => name))}: ${inWords(one)}`,
  );
  return { contents, leftOut, read: null, doubt: approvalDiffers(what.join('; ')) };
}

/** The contents without what the named servers say of them: only where as many go on showing one as could not all be sold. */
function leaveOut(
  all: readonly Content[],
  { key, epoch }: Readers,
  without: readonly string[],
): { readonly kept: readonly Content[]; readonly named: readonly Content[] } {
  if (without.length === 0) return { kept: all, named: [] };
  const unknown = without.find((name) => !key.servers.some((server) => server.name === name));
  if (unknown !== undefined) throw withoutUnknown(unknown, key.keyName);
  const split = (isNamed: boolean) =>
    all.flatMap(({ content, ...one }) => {
      const rest = only(content, ({ name }) => without.includes(name) === isNamed);
      return rest === null ? [] : [{ ...one, content: rest }];
    });
  const kept = split(false).toSorted((a, b) => b.content.by.length - a.content.by.length);
  const by = kept[0]?.content.by ?? [];
  const enough = enoughOf(key, epoch);
  if (by.length < enough)
    throw shownByTooFew(
      by.map(({ name }) => name),
      enough,
    );
  return { kept, named: split(true) };
}

function only(
  { by, ends, shown }: ShownContent,
  isMeant: (server: InvitingServer) => boolean,
): ShownContent | null {
  const places = by.flatMap((server, at) => (isMeant(server) ? [at] : []));
  if (places.length === 0) return null;
  return { shown, by: places.map((at) => by[at]!), ends: places.map((at) => ends[at]!) };
}

/** So many that one of them is honest where fewer than a quorum are not, and more than half: a quorum may have become another since the first certificate. */
export function enoughOf(
  { servers: { length: n } }: Pick<ApproverKey, 'servers'>,
  epoch: CertifiedEpoch | null,
): number {
  const needed = epoch?.params.quorum.needed ?? 1;
  return Math.max(n - needed + 1, Math.floor(n / 2) + 1);
}

function leftOutOf({ content: { by }, ...one }: Content, isFalse: boolean): readonly LeftOut[] {
  return by.map(({ name }) => ({ server: name, shows: inWords(one), isFalse }));
}

function inWords({ read, doubt }: Pick<Content, 'read' | 'doubt'>): string {
  return (
    read?.description.sentence ??
    `something that cannot be read${doubt === null ? '' : ` (${doubt.message})`}`
  );
}

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
    }))
    .toSorted((a, b) => b.by.length - a.by.length);
}

function readContent(content: ShownContent, { epoch, ...reading }: Readers): Content {
  if (epoch === null) return { content, read: null, doubt: approvalUnread(NO_CERTIFICATE) };
  try {
    const { xid: shownBy } = content.by[0]!;
    return { content, read: readMatter(content.shown, { ...reading, epoch, shownBy }), doubt: null };
  } catch (error) {
    if (error instanceof CkmError) return { content, read: null, doubt: error };
    throw error;
  }
}

const NO_CERTIFICATE =
  'no server shows the first certificate of the key; have the owner invite you anew, now that the key is made';
