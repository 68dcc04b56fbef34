import {
  type ExportProposal,
  exportProposal,
  parseExportYeses,
  sealShare,
  signIdentityStatement,
} from '@ckm/api';
import { wipe } from '@ckm/foundation';
import { exportStatement, hashExport, verifyExportYeses } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import { isRefused } from '../room/is-refused.js';
import { readProposal } from '../room/read-proposal.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { readHeldShare } from '../repair/held-key.js';
import type { Admission, Asking, Joined, Opened, Owned, Room, RoomMeans, RoomSession } from '../room/room.js';
import { assertAgreed, exportPeople } from './asked-people.js';
import { readExportable } from './exported-key.js';
import { YESES_MS } from './yeses-cost.js';
import { findOpenExport } from './open-exports.js';
import { storeExport } from './store-export.js';

/**
 * The room where a key leaves to its owner: ADR 0044. When the conditions certified with the key are met, this server signs a yes
 * to one id and one recipient; shown the yeses of as many servers as the quorum needs, it seals its share to that recipient. It has no
 * rounds: nothing is said from server to server.
 */
export function createExportRoom(context: ServerContext): Room<ExportProposal> {
  return {
    kind: 'export',
    protocol: 'export-v1',
    lastRound: 0,
    parseProposal: (proposal) => readProposal(exportProposal, proposal),
    sentence,
    cost: () => YESES_MS,
    words: (proposal) => hashExport(proposal, proposal),
    admit: (asking, proposal) => admit(context, asking, proposal),
    people: exportPeople(context, sentence),
    isPaused: (owned, proposal) => isPaused(context, owned, proposal),
    storeKey: (transaction, row, change) => store(context, transaction, row, change),
    open: (means, owned, proposal) => open(context, means, owned, proposal),
    join: (means, session, parameters) => join(context, means, session, parameters),
    payloadLimit: () => 0,
    isReadable: () => false,
    advance: () => ({ kind: 'aborted', fault: { code: 'FAULT_MALFORMED', round: 0, culprits: [] } }),
  };
}

function sentence({ epoch, heir }: Pick<ExportProposal, 'epoch' | 'heir'>): string {
  const to = heir === undefined ? 'its owner' : `${heir}, who asks in the place of its silent owner`;
  return `Give this server’s share of a key (epoch ${epoch}) out to ${to}: whoever has enough of them has the key.`;
}

/** One export of a key at a time: each begins its delay anew, and there is one that its owner has to look at. */
async function admit(
  context: ServerContext,
  { account, transaction }: Asking,
  proposal: ExportProposal,
): Promise<Admission> {
  // Held, so that two replicas that are asked at once open one.
  await transaction.keys.hold(account.xid, proposal.keyId);
  const { asksOperator, delay, asksPeople } = await readExportable(
    context,
    transaction,
    account.xid,
    proposal,
  );
  const open = await findOpenExport(context, transaction, account.xid, proposal.keyId);
  if (open !== null) throw refusal('EXPORT_OPEN', 'an export of this key goes on here already');
  return asksOperator || delay > 0 || asksPeople
    ? { kind: 'wait', seconds: delay, asked: asksOperator }
    : { kind: 'offer' };
}

/** While this server would give nothing out, its time does not pass. */
async function isPaused(
  context: ServerContext,
  { owner, reader }: Owned,
  proposal: ExportProposal,
): Promise<boolean> {
  return isRefused(() => readExportable(context, reader, owner, proposal));
}

async function open(
  context: ServerContext,
  { identity }: RoomMeans,
  { owner, reader }: Owned,
  proposal: ExportProposal,
): Promise<Opened> {
  const { key, slot } = await readExportable(context, reader, owner, proposal);
  await assertAgreed(context, { owner, reader }, proposal);
  const signature = signIdentityStatement(identity, exportStatement(key, proposal, slot));
  return { offer: { slot, signature }, secrets: new Uint8Array() };
}

/** Here the share leaves. @throws EncodingError, StateError as `verifyExportYeses` */
async function join(
  context: ServerContext,
  { identity }: RoomMeans,
  { owner, reader, proposal }: RoomSession<ExportProposal>,
  parameters: Uint8Array,
): Promise<Joined> {
  const held = await readExportable(context, reader, owner, proposal);
  await assertAgreed(context, { owner, reader }, proposal);
  const { key, slot } = held;
  const { params, transcriptHash } = key;
  const yeses = parseExportYeses(parameters);
  verifyExportYeses(key, proposal, yeses);
  const share = await readHeldShare(context, reader, held);
  try {
    const { keyId, epoch, recipient, exportId, heir } = proposal;
    const agreed = yeses.map((yes) => ({ slot: yes.slot, signature: yes.signature }));
    const proof = { epoch, exportId, recipient, yeses: agreed };
    const sealed = sealShare(
      identity,
      { exportHash: hashExport(proposal, proposal), slot, recipient },
      share,
    );
    const seats = {
      identityKeys: params.roster.map(({ identityKey }) => identityKey),
      sealingKeys: params.roster.map(({ sealingKey }) => sealingKey),
      ownSlot: slot,
      epoch,
      speeches: [],
    };
    const result = { kind: 'export', keyId, transcriptHash, slot, sealed };
    return {
      seats,
      step: {
        kind: 'finished',
        says: [],
        keys: [{ kind: 'give-out', epoch, transcriptHash, proof, ...(heir === undefined ? {} : { heir }) }],
        result,
      },
    };
  } finally {
    wipe(share);
  }
}

async function store(
  context: ServerContext,
  transaction: Transaction,
  row: Pick<SessionRow, 'owner' | 'keyId'>,
  change: Parameters<NonNullable<Room['storeKey']>>[2],
): Promise<void> {
  if (change.kind === 'give-out') await storeExport(context, transaction, row, change);
}
