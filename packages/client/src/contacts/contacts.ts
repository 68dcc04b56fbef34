import { type ContactProof, contactUnknown, type WantedContact } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, type Secret, UsageError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { serversWithAccount, type SilentServer } from '../devices/list-devices.js';
import { readList } from '../devices/lists/read-list.js';
import { type Speaker, speakTo } from '../devices/lists/speaker.js';
import { showServerRecord } from '../servers/servers.js';
import { type AloneContact, aloneContacts, type ContactAt } from './alone.js';
import { writeVouchRequest } from './papers.js';

export interface Contacts {
  readonly contacts: readonly ContactAt[];
  readonly silent: readonly SilentServer[];
  /** Contacts that would bring whoever has them back at as many servers as a key needs. */
  readonly alone: readonly AloneContact[];
}

/** Where something is said of contacts, and by whom. */
interface Named {
  readonly server: string;
  /** Typed for this alone; absent: whoever this client is. The caller wipes them. */
  readonly words?: Secret<Uint8Array>;
}

export interface SetContactArgs extends Named {
  readonly contact: WantedContact;
  readonly delaySeconds?: number;
}

export interface ContactArgs extends Named {
  /** The first hex digits of its id, or its kind where there is one of it. */
  readonly contact: string;
}

export interface SetContact {
  readonly contact: ContactAt;
  /** Of `totp`: what the app is given, 20 bytes; else null. */
  readonly secret: Uint8Array | null;
  /** Of `xid`: what the other person is asked to vouch for, as `ur:envelope/…`; else null. */
  readonly request: string | null;
  readonly alone: readonly AloneContact[];
}

/** Which contacts the owner has at each server. */
export async function listContacts(context: ClientContext): Promise<Contacts> {
  const contacts: ContactAt[] = [];
  const silent: SilentServer[] = [];
  await Promise.all(
    (await serversWithAccount(context)).map(async ({ name }) => {
      try {
        contacts.push(...(await contactsAt(context, { server: name })));
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        silent.push({ server: name, code: error.code, text: error.message });
      }
    }),
  );
  const sorted = contacts.toSorted((a, b) => (a.server < b.server ? -1 : 1));
  return { contacts: sorted, silent, alone: await aloneContacts(context, sorted) };
}

/** Sets a contact, or goes on with one that was set and not verified. */
export async function setContact(context: ClientContext, args: SetContactArgs): Promise<SetContact> {
  const { server, contact: wanted, delaySeconds } = args;
  const known = await contactsAt(context, args);
  const set = await asOwner(context, args, async (speaker) => {
    const begun = known.find(
      (one) =>
        one.state === 'unverified' &&
        one.kind === wanted.kind &&
        // What another device sets up is seen there alone.
        (speaker.isWords || equalBytes(one.setBy, speaker.id)) &&
        (wanted.kind !== 'mail' || one.name === wanted.address.toLowerCase()),
    );
    const { contact, secret } = await speaker.link.call('contact.set', {
      id: begun?.id ?? context.random(32),
      contact: wanted,
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
    });
    return { contact, secret: secret ?? null, request: await requestFor(context, speaker, wanted) };
  });
  const { alone } = await listContacts(context);
  return { ...set, contact: { ...set.contact, server }, alone };
}

/** What another person is asked: to be the contact of this account. */
async function requestFor(
  context: ClientContext,
  speaker: Speaker,
  { kind }: WantedContact,
): Promise<string | null> {
  if (kind !== 'xid') return null;
  const { list } = await readList(context, speaker);
  return writeVouchRequest({ server: speaker.server.xid, vouched: 'contact', keys: list.words });
}

/** Shows that a contact works. */
export async function verifyContact(
  context: ClientContext,
  args: ContactArgs & { readonly proof: ContactProof },
): Promise<ContactAt> {
  const { id } = await findContact(context, args);
  const { contact } = await asOwner(context, args, async ({ link }) =>
    link.call('contact.verify', { id, proof: args.proof }),
  );
  return { ...contact, server: args.server };
}

/** Has a contact go, or stay. @returns null: it is gone */
export async function removeContact(
  context: ClientContext,
  args: ContactArgs & { readonly keeps?: boolean },
): Promise<ContactAt | null> {
  const { id } = await findContact(context, args);
  const { contact } = await asOwner(context, args, async ({ link }) =>
    link.call('contact.remove', { id, ...(args.keeps === true ? { keeps: true as const } : {}) }),
  );
  return contact === null ? null : { ...contact, server: args.server };
}

/** The one contact that is meant. @throws UsageError `CONTACT_UNKNOWN`, `CONTACT_AMBIGUOUS` */
async function findContact(context: ClientContext, args: ContactArgs): Promise<ContactAt> {
  const wanted = args.contact.toLowerCase();
  const found = (await contactsAt(context, args)).filter(
    ({ id, kind, name }) => kind === wanted || isNamed(name, wanted) || encodeHex(id).startsWith(wanted),
  );
  if (found.length === 1) return found[0]!;
  throw found.length === 0 ? contactUnknown() : ambiguous(args);
}

/** The name of an app is shown by its first letters. */
function isNamed(name: string, wanted: string): boolean {
  return name === wanted || (name.endsWith('…') && wanted.startsWith(name.slice(0, -1)));
}

function ambiguous({ contact, server }: ContactArgs): UsageError {
  return new UsageError(
    `several contacts at ${server} can be meant by ${JSON.stringify(contact.slice(0, 40))}`,
    {
      code: 'CONTACT_AMBIGUOUS',
      hint: 'name it by the first digits of its id',
    },
  );
}

async function contactsAt(context: ClientContext, named: Named): Promise<readonly ContactAt[]> {
  const { contacts } = await asOwner(context, named, async ({ link }) => link.call('contact.list', {}));
  return contacts.map((one) => ({ ...one, server: named.server }));
}

async function asOwner<T>(
  context: ClientContext,
  { server, words }: Named,
  work: (speaker: Speaker) => Promise<T>,
): Promise<T> {
  return speakTo(context, await showServerRecord(context.store, server), words ?? null, work);
}
