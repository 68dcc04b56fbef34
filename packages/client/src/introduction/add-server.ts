import { AccessError, encodeHex, equalBytes, reveal, type Secret, UsageError } from '@ckm/foundation';
import { formatWords, isLikenessOf, type Likeness, likenessOf } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import { assertOwnWords, learnAccount, letDeviceIn } from '../devices/lists/own-device.js';
import { speakTo } from '../devices/lists/speaker.js';
import type { DeviceSecrets } from '../owner/device-secrets.js';
import { wordsNeeded } from '../owner/owner.js';
import { parseName } from '../store/names.js';
import { fetchIntroduction, type Introduction } from './identity-card.js';
import { identityChanged } from '../servers/identity-changed.js';
import { parseServerRecord, serverPath, type ServerRecord } from '../servers/server-record.js';
import { listServerRecords, saveServerRecord, showServerRecord } from '../servers/servers.js';

export interface AddServerArgs {
  readonly name: string;
  readonly url: string;
  /** The code that its operator gave, for servers that take nobody without. */
  readonly invite?: string | Secret<string>;
  /** The six words, or the whole XID in hex, that its operator told on another way; anything else is refused. */
  readonly expectedLikeness?: string;
  /**
   * Certificates (PEM) of the authority behind its TLS certificate, where this machine does not know it; kept with the server.
   * Default: what was kept before.
   */
  readonly authority?: string;
  /** The whole XID of the server that was looked at before: whoever else answers now is not the one people compared. */
  readonly expectedXid?: Uint8Array;
  /** 32 bytes, typed for this alone: a device needs them to open an account. The caller wipes them. */
  readonly words?: Secret<Uint8Array>;
}

/** With what a server is looked at; each is optional. */
export interface PreviewServerArgs extends Partial<
  Pick<AddServerArgs, 'name' | 'authority' | 'expectedLikeness'>
> {}

/** A server before it is pinned. */
export interface ServerPreview extends Introduction {
  readonly url: string;
  readonly likeness: Likeness;
}

/**
 * Looks who answers at an address. Nothing is written.
 * @param args.authority as in {@link AddServerArgs}
 * @param args.name what it is to be called: what `addServer` would refuse by that is refused before anybody compares a likeness
 * @throws as `fetchIntroduction` and `parseServerUrl`; with an expected likeness `SERVER_LIKENESS_MISMATCH`; with a name
 * `NAME_INVALID`, `SERVER_EXISTS`, `SERVER_IDENTITY_CHANGED`
 */
export async function previewServer(
  context: ClientContext,
  address: string,
  { authority, name, expectedLikeness }: PreviewServerArgs = {},
): Promise<ServerPreview> {
  const before = name === undefined ? null : await pinnedAs(context, parseName('server', name));
  const seen = await lookAt(context, address, authority ?? before?.authority ?? null);
  assertLooksLike(seen, expectedLikeness);
  if (name !== undefined) await assertNameFits(context, name, before, seen);
  return seen;
}

async function lookAt(
  context: ClientContext,
  address: string,
  authority: string | null,
): Promise<ServerPreview> {
  const url = context.carrier.parseAddress(address);
  const introduction = await fetchIntroduction(context.carrier, url, context.timeoutMs, authority);
  return { ...introduction, url, likeness: likenessOf(introduction.xid) };
}

/**
 * Pins a server and opens an account there. From then on only this identity is believed under that name; adding the
 * same server again only brings its address up to date.
 * @throws UsageError `NAME_INVALID`, `SERVER_EXISTS`, `SERVER_URL_INVALID`; AccessError `SERVER_LIKENESS_MISMATCH`,
 * `SERVER_IDENTITY_CHANGED`, `SERVER_IDENTITY_INVALID`, or the server's refusal to open an account
 */
export async function addServer(context: ClientContext, args: AddServerArgs): Promise<ServerRecord> {
  return openAccount(context, await lookAtWanted(context, args), args.invite, args.words);
}

/**
 * Pins a server where no account is opened: one of ours is there, and wanted back.
 * @throws as {@link addServer}
 */
export async function pinServer(
  context: ClientContext,
  args: Omit<AddServerArgs, 'invite' | 'words'>,
): Promise<ServerRecord> {
  const record = await lookAtWanted(context, args);
  await saveServerRecord(context.store, record);
  return record;
}

async function lookAtWanted(
  context: ClientContext,
  args: Omit<AddServerArgs, 'invite' | 'words'>,
): Promise<ServerRecord> {
  const name = parseName('server', args.name);
  const before = await pinnedAs(context, name);
  const authority = args.authority ?? before?.authority ?? null;
  const seen = await lookAt(context, args.url, authority);
  assertLooksLike(seen, args.expectedLikeness);
  if (args.expectedXid !== undefined && !equalBytes(args.expectedXid, seen.xid)) throw exchanged(seen);
  await assertNameFits(context, name, before, seen);
  const { url, title, xid, publicKeys } = seen;
  return {
    name,
    url,
    title,
    xid,
    publicKeys: before?.publicKeys ?? publicKeys,
    addedAt: before?.addedAt ?? context.clock(),
    accountSince: before?.accountSince ?? null,
    authority,
  };
}

/**
 * Opens an account at a pinned server, or finds the one that is open already; puts that on record.
 * @param words typed for this alone, where a device speaks
 * @throws AccessError `ACCOUNTS_CLOSED`, `INVITE_REQUIRED`, `INVITE_INVALID`; StateError `WORDS_NEEDED`
 */
export async function openAccount(
  context: ClientContext,
  record: ServerRecord,
  invite?: string | Secret<string>,
  words?: Secret<Uint8Array>,
): Promise<ServerRecord> {
  const code = typeof invite === 'object' ? reveal(invite, 'opening an account') : (invite ?? null);
  const { device } = await context.owner();
  const openedAt =
    device === null
      ? await askForAccount(await context.linkTo(record), code)
      : await openForDevice(context, { device, record, code, words });
  const opened = { ...record, accountSince: openedAt };
  await saveServerRecord(context.store, opened);
  return opened;
}

async function askForAccount(link: ServerLink, code: string | null): Promise<number> {
  const { openedAt } = await link.call('account.open', { invite: code }, { introduce: true });
  return openedAt;
}

interface ForDevice {
  readonly device: DeviceSecrets;
  readonly record: ServerRecord;
  readonly code: string | null;
  readonly words: Secret<Uint8Array> | undefined;
}

/** An account is of the words: they open it, and let the device in. One that is in has nothing to open. */
async function openForDevice(
  context: ClientContext,
  { device, record, code, words }: ForDevice,
): Promise<number> {
  const isIn = device.accounts.some(({ server }) => equalBytes(server, record.xid));
  if (words === undefined) {
    if (!isIn) throw wordsNeeded(`to open an account at ${record.name}`);
    await (await context.linkTo(record)).call('server.describe', {});
    return record.accountSince ?? context.clock();
  }
  await assertOwnWords(context, words);
  return speakTo(context, record, words, async ({ link, account }) => {
    const openedAt = await askForAccount(link, code);
    if (!isIn) await learnAccount(context, record.xid, account);
    await letDeviceIn(context, record, words);
    return openedAt;
  });
}

/** Eight digits alone are too few to be believed: a twin of them is found in seconds. */
function assertLooksLike(seen: ServerPreview, typed: string | undefined): void {
  if (typed === undefined || isLikenessOf(typed, seen.xid)) return;
  if (typed.trim().toLowerCase() !== encodeHex(seen.xid)) throw likenessMismatch(seen);
}

async function pinnedAs({ store }: ClientContext, name: string): Promise<ServerRecord | null> {
  const bytes = await store.get(serverPath(name));
  return bytes === null ? null : parseServerRecord(serverPath(name), bytes);
}

/** A name is for one server, and a server has one name. @throws `SERVER_IDENTITY_CHANGED`, `SERVER_EXISTS` */
async function assertNameFits(
  { store }: ClientContext,
  name: string,
  before: ServerRecord | null,
  seen: ServerPreview,
): Promise<void> {
  if (before !== null && !equalBytes(before.xid, seen.xid)) {
    throw before.url === seen.url ? identityChanged(name) : nameTaken(before, seen);
  }
  const twin = (await listServerRecords(store)).find(
    (one) => one.name !== name && equalBytes(one.xid, seen.xid),
  );
  if (twin === undefined) return;
  throw new UsageError(`this server is already added as ${twin.name}`, {
    code: 'SERVER_EXISTS',
    hint: `use it as ${twin.name}; one operator under two names would count twice in a quorum`,
  });
}

/** Nobody answers in its place: that is another address. */
function nameTaken({ name, url, xid }: ServerRecord, seen: ServerPreview): UsageError {
  const its = formatWords(likenessOf(xid));
  return new UsageError(
    `${name} is already the server at ${url} (${its}); another one answers at ${seen.url} (${formatWords(seen.likeness)})`,
    {
      code: 'SERVER_EXISTS',
      hint: `add that one under a name of its own; if ${name} was to have moved there, ask its operator`,
    },
  );
}

/**
 * Asks whether the same server still answers at a pinned address.
 * @throws AccessError `SERVER_IDENTITY_CHANGED`, or as `fetchIntroduction`
 */
export async function recheckServer(
  context: ClientContext,
  name: string,
  timeoutMs = context.timeoutMs,
): Promise<Introduction> {
  const record = await showServerRecord(context.store, name);
  const introduction = await fetchIntroduction(context.carrier, record.url, timeoutMs, record.authority);
  if (!equalBytes(introduction.xid, record.xid)) throw identityChanged(name);
  return introduction;
}

function exchanged({ likeness, url }: ServerPreview): AccessError {
  return new AccessError(
    `another server answers at ${url} than the one that was shown: ${formatWords(likeness)} · ${likeness.digest}`,
    {
      code: 'SERVER_LIKENESS_MISMATCH',
      hint: 'somebody on the way may be exchanging servers; ask its operator, on another way than this network',
    },
  );
}

function likenessMismatch({ likeness, url }: ServerPreview): AccessError {
  return new AccessError(
    `the server at ${url} has another likeness: ${formatWords(likeness)} · ${likeness.digest}`,
    {
      code: 'SERVER_LIKENESS_MISMATCH',
      hint: 'ask its operator for the likeness once more, by phone or in person; do not add this server before it matches',
    },
  );
}
