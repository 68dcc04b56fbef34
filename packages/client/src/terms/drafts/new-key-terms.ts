import type { KeyTerms } from '@ckm/api';
import { equalBytes, StateError } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../../context/context.js';
import { answeredApprovers, type InvitedTo, readInvited } from '../../invitations/invited.js';
import { wordsNeeded } from '../../owner/owner.js';
import { keyOwnerIdentity } from '../../seed/key-owner.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { asksPeople, certifiedTerms, draftTerms } from '../file/certified-terms.js';
import type { WrittenTerms } from '../file/terms-file.js';

/** Terms of a key that is to be made, and the id that its approvers were told, which it then has. */
export interface NewKeyTerms {
  readonly keyId: Uint8Array;
  readonly terms: KeyTerms;
}

/** Who of the approvers in some terms has answered an invitation. */
export interface InvitedPeople {
  readonly answered: readonly string[];
  /** Invited, and not heard of. */
  readonly waiting: readonly string[];
  readonly uninvited: readonly string[];
}

/**
 * Terms for a key that is yet to be made, out of what was written and of what its approvers have answered.
 * @param servers its servers, in order of slots
 * @throws EncodingError `TERMS_…`; StateError `TERMS_APPROVER_ABSENT`, `TERMS_SERVERS_DIFFER`, `WORDS_NEEDED`
 */
export async function newKeyTerms(
  context: ClientContext,
  name: string,
  servers: readonly ServerRecord[],
  written: WrittenTerms,
): Promise<NewKeyTerms> {
  // What can be wrong with them is said before anybody is waited for.
  draftTerms(written);
  const invited = await readInvited(context.store, name);
  if (invited !== null && written.approvers !== undefined) assertSameServers(invited, servers);
  const keyId = invited?.keyId ?? context.random(32);
  const approvers = invited === null ? [] : answeredApprovers(invited);
  const ownerKey = asksPeople(written) ? await keyOwnerKey(context, keyId) : null;
  return { keyId, terms: certifiedTerms(written, { ownerKey, approvers }, null) };
}

/** Who is still to be asked whether he approves. */
export async function invitedPeople(
  { store }: Pick<ClientContext, 'store'>,
  name: string,
  { approvers = [] }: WrittenTerms,
): Promise<InvitedPeople> {
  const invited = await readInvited(store, name);
  const people = new Map(invited?.people.map((one) => [one.name, one.answer !== null]));
  return {
    answered: approvers.filter((one) => people.get(one) === true),
    waiting: approvers.filter((one) => people.get(one) === false),
    uninvited: approvers.filter((one) => !people.has(one)),
  };
}

/** 32 bytes: what terms name the owner of one key by. @throws StateError `WORDS_NEEDED` */
export async function keyOwnerKey(context: ClientContext, keyId: Uint8Array): Promise<Uint8Array> {
  const { words } = await context.owner();
  if (words === null) throw wordsNeeded('for terms that ask people');
  const identity = keyOwnerIdentity(words, keyId);
  wipeIdentity(identity);
  return identity.publicKeys.signing.bytes;
}

/** An approver looks for the key where his invitation says that it will be. */
function assertSameServers({ keyName, servers: told }: InvitedTo, servers: readonly ServerRecord[]): void {
  const isSame = told.length === servers.length && told.every((xid, at) => equalBytes(xid, servers[at]!.xid));
  if (isSame) return;
  throw new StateError(`the approvers of ${keyName} were invited to a key at other servers`, {
    code: 'TERMS_SERVERS_DIFFER',
    hint: 'name the servers as they were told, in their order; or invite them anew',
    retryable: false,
  });
}
