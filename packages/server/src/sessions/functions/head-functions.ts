import {
  encodeHead,
  headStatement,
  parseHead,
  signIdentityStatement,
  verifyIdentityStatement,
  type Parameters,
  type Result,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { parseKeyParams, type KeyParams } from '@ckm/threshold';
import type { Call, Handlers, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { recallHead } from '../changes/forget-votes.js';
import { epochDiffers } from '../changes/deciding.js';
import { marksOf, noteMarks, openHead, readEpoch, type KeyHead } from '../keys/stored-key.js';
import type { SessionMeans } from '../session-revise.js';

/** A signature made, or checked, in milliseconds of one core. */
const SIGNATURE_MS = 0.2;

/** How servers that came back from an older state learn, through the owner, that no newer epoch of a key is known to others (L5). */
export function headHandlers({
  context,
  charge,
}: Pick<SessionMeans, 'context' | 'charge'>): Handlers<'key.head' | 'key.heads'> {
  return {
    'key.head': async (call, asked) => {
      charge(call.account, SIGNATURE_MS);
      return sayHead(context, call, asked);
    },
    'key.heads': async (call, shown) => {
      charge(call.account, shown.heads.length * SIGNATURE_MS);
      return repeatWhenRaced(() => hearHeads(context, call, shown));
    },
  };
}

/** Says how far a key is here, for whoever drew the nonce. @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED` */
async function sayHead(
  context: ServerContext,
  { account }: Call,
  { keyId, nonce }: Parameters<'key.head'>,
): Promise<Result<'key.head'>> {
  await recallHead(context, { owner: account.xid, keyId });
  const { row, head } = await context.storage.read((reader) =>
    findCertified(reader, context, account.xid, keyId),
  );
  const { epoch, transcriptHash } = head.left ?? { epoch: row.epoch, ...head.certified! };
  const bytes = encodeHead({ keyId, epoch, transcriptHash, nonce, isSure: head.asks === undefined });
  const signature = signIdentityStatement(context.identity, headStatement(bytes));
  return { head: bytes, signature, asks: head.asks ?? null };
}

/**
 * Takes in what others say of how far a key is, each of them about this server's own question: from then on it is used here again.
 * @throws as {@link sayHead}; StateError `KEY_EPOCH_DIFFERS` where too few agree and one is further: its certificates are to be brought first;
 * `HEADS_TOO_FEW` with the slots that are missing
 */
async function hearHeads(
  context: ServerContext,
  call: Call,
  { keyId, heads }: Parameters<'key.heads'>,
): Promise<Result<'key.heads'>> {
  const owner = call.account.xid;
  await recallHead(context, { owner, keyId });
  return call.transact(async (transaction) => {
    await transaction.keys.hold(owner, keyId);
    const { row, head } = await findCertified(transaction, context, owner, keyId);
    const { transcriptHash } = head.certified!;
    const known = { epoch: row.epoch, transcriptHash };
    const { asks } = head;
    if (asks === undefined) return known;
    const params = parseKeyParams((await readEpoch(context, transaction, row, head)).parameters);
    assertHeard(context, { params, transcriptHash, asks }, heads);
    const { asks: _asks, ...marks } = marksOf(head);
    await noteMarks(context, transaction, row, marks);
    await context.audit.append(transaction, {
      deed: 'key.heads',
      who: owner,
      keyId,
      subject: transcriptHash,
      sentence: `Use a key (${params.suite}) for ${params.purpose} again: others say that epoch ${row.epoch} is its newest.`,
      verdict: 'done',
      policy: '',
      detail: `slots ${heads.map(({ slot }) => slot).join(' ')}, transcript ${encodeHex(transcriptHash).slice(0, 8)}`,
    });
    return known;
  });
}

/** Which epoch this server has, and what it asks with. */
interface Asking {
  readonly params: KeyParams;
  readonly transcriptHash: Uint8Array;
  readonly asks: Uint8Array;
}

/** Enough others that no quorum can have gone on without one of them, or all, if there are fewer. */
function assertHeard(
  { identity }: Pick<ServerContext, 'identity'>,
  { params, transcriptHash, asks }: Asking,
  heads: Parameters<'key.heads'>['heads'],
): void {
  const { needed, of } = params.quorum;
  const others = params.roster.filter(({ serverId }) => !equalBytes(serverId, identity.xid));
  let later = params.epoch;
  const heard = others.filter(({ slot, identityKey }) =>
    heads.some((one) => {
      if (one.slot !== slot) return false;
      if (!verifyIdentityStatement(identityKey, headStatement(one.head), one.signature)) return false;
      const said = parseHead(one.head);
      if (!equalBytes(said.keyId, params.keyId) || !equalBytes(said.nonce, asks)) return false;
      later = Math.max(later, said.epoch);
      return said.isSure && equalBytes(said.transcriptHash, transcriptHash);
    }),
  );
  const enough = Math.min(of - needed + 1, others.length);
  // One that names a later epoch proves nothing by it: a liar could keep this server from use for ever.
  if (heard.length >= enough) return;
  if (later > params.epoch) throw epochDiffers(params.epoch, later);
  const slots = others.filter((one) => !heard.includes(one)).map(({ slot }) => slot);
  throw refusal(
    'HEADS_TOO_FEW',
    `${heard.length} other servers have said how far the key is; ${enough} are needed`,
    {
      needed: enough,
      slots: slots.join(', '),
    },
  );
}

async function findCertified(
  reader: Reader,
  { vault }: Pick<ServerContext, 'vault'>,
  owner: Uint8Array,
  keyId: Uint8Array,
): Promise<{ readonly row: KeyRow; readonly head: KeyHead }> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const head = openHead({ vault }, row);
  demand(head.certified !== null, 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  demand(head.forked === undefined, 'KEY_FORKED', 'there are two certificates of an epoch of this key');
  return { row, head };
}
