import {
  encodeReply,
  type HeirCallName,
  type HeirMay,
  neededOfHeir,
  type Parameters,
  parseCall,
  type Proposal,
  type Result,
  waitsWhileFrozen,
} from '@ckm/api';
import { equalBytes, PolicyError } from '@ckm/foundation';
import type { AnybodyCall, Call, Handler, Handlers, ServerContext } from '../context.js';
import { heirIn } from '../sessions/session/session-asker.js';
import { openSessionToShow } from '../sessions/session/session-record.js';
import type { KeyRow, Reader } from '../storage/storage.js';
import { grantedTo } from './cases.js';
import type { LifeMeans } from './means.js';
import { findHeirKey, heirKey, type HeirKey, heirUnknown, holdHeirKey } from './heir-key.js';

/**
 * Answers `heir.use`: calls a function for the key of an owner who is silent, by the account of that owner, as an heir whom the terms let use it. Whether they do is
 * judged in each transaction, with the key held: a sign of life that is committed before it wins.
 * @throws AccessError `HEIR_UNKNOWN`; PolicyError `HEIR_NOT_GRANTED`, `ACCOUNT_FROZEN`; and what the function throws
 */
export async function useAsHeir(
  means: LifeMeans,
  handlers: Handlers<HeirCallName>,
  call: AnybodyCall,
  { called, body, ...meant }: Parameters<'heir.use'>,
): Promise<Result<'heir.use'>> {
  const { context } = means;
  const parameters = parseCall(called, body, context.config.limits.body);
  // Of the key alone whose terms were asked: `request.cancel` names none, and ends what this heir has asked for.
  if ('keyId' in parameters && !equalBytes(parameters.keyId, meant.keyId)) throw heirUnknown();
  const { sender } = call;
  const needed = neededOfHeir(called);
  const { name, account, heir } = await context.storage.read(async (reader) => {
    const found = await findHeirKey(context, reader, sender, meant);
    const key = heirKey(context, await rowOf(reader, found), sender);
    // Which servers hold the key, whoever is named in its terms may know: he says yes and no at them, and doubts there.
    if (called !== 'key.chain') await assertGranted(means, reader, key, needed);
    if ('sessionId' in parameters) await assertOwnExport(context, reader, key, parameters);
    return { name: found, heir: key.name, account: await accountOf(context, reader, found) };
  });
  const transact: Call['transact'] = (work) =>
    call.transact(async (transaction) => {
      // Whoever has frozen the account has stopped his heirs with it.
      if (waitsWhileFrozen(called)) await context.accounts.assertGoesOn(transaction, name.owner);
      await assertGranted(means, transaction, await holdHeirKey(context, transaction, sender, name), needed);
      return work(transaction);
    });
  const by = { ...account.keys.words, id: sender, may: ['use' as const] };
  const handler = handlers[called] as Handler<HeirCallName>;
  const result = await handler({ account, by, transact, heir: { name: heir, xid: sender } }, parameters);
  return { body: encodeReply<HeirCallName>({ ok: true, result }) };
}

async function rowOf(reader: Reader, { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>): Promise<KeyRow> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw heirUnknown();
  return row;
}

async function accountOf({ accounts }: ServerContext, reader: Reader, { owner }: Pick<KeyRow, 'owner'>) {
  const account = await accounts.find(reader, owner);
  if (account === null || account.status === 'suspended') throw notGranted();
  return account;
}

async function assertGranted(
  means: LifeMeans,
  reader: Reader,
  key: HeirKey,
  needed: readonly HeirMay[],
): Promise<void> {
  if (needed.length === 0 && key.may.length > 0) return;
  const granted = await grantedTo(means, reader, key);
  if (!needed.some((one) => granted.includes(one))) throw notGranted();
}

/** Of all ceremonies an heir has those by which this very key leaves to himself. @throws AccessError `HEIR_UNKNOWN` */
async function assertOwnExport(
  context: ServerContext,
  reader: Reader,
  { key: { owner, keyId }, name }: HeirKey,
  parameters: { readonly sessionId: Uint8Array; readonly proposal?: Proposal },
): Promise<void> {
  const { sessionId, proposal } = parameters;
  const row = proposal === undefined ? await reader.sessions.find(owner, sessionId) : null;
  const about = proposal ?? (row === null ? undefined : openSessionToShow(context, row).record.proposal);
  const isOwn = about?.kind === 'export' && equalBytes(about.keyId, keyId) && heirIn(about) === name;
  if (!isOwn) throw heirUnknown();
}

function notGranted(): PolicyError {
  return new PolicyError('this server does not let you use the key now', {
    code: 'HEIR_NOT_GRANTED',
    hint: 'ask for it at every server of the key, and look what is missing; the owner may have been heard',
    retryable: false,
  });
}
