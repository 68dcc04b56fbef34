import { ballotOfExport, encodeExportAsked, type ExportProposal, policyHash } from '@ckm/api';
import type { MatterOfPeople, ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import { asksPeople, missingIn } from '../asked-of-change.js';
import { openHead } from '../keys/stored/key-head.js';
import type { Owned, RoomHearing, RoomPeople } from '../room/room.js';

type Asking = Pick<ServerContext, 'people' | 'vault'>;

const NOTHING: RoomHearing = { reason: null, isOver: false };
/** Votes say themselves when they end; what is counted is when the ceremony itself is over. */
const ALWAYS = 253_402_300_799;

/** People whom the terms of a key name for changes: without their yes it is not given out either. */
export function exportPeople(
  context: Asking,
  sentence: (asked: ExportProposal) => string,
): RoomPeople<ExportProposal> {
  return {
    ask: async (transaction, { owner, expiresAt }, proposal) => {
      const matter = await matterOf(context, transaction, owner, proposal, expiresAt);
      if (matter === null) return;
      const names = matter.terms.change!.of;
      const payload = encodeExportAsked(proposal);
      await context.people.ask(transaction, { ...matter, payload, sentence: sentence(proposal), names });
    },
    hear: (owned, proposal) => hear(context, owned, proposal),
    rest: async (transaction, { owner }, proposal, released) => {
      const matter = await matterOf(context, transaction, owner, proposal);
      if (matter !== null) await context.people.rest(transaction, matter, released);
    },
  };
}

async function hear(
  context: Asking,
  { owner, reader }: Owned,
  proposal: ExportProposal,
): Promise<RoomHearing> {
  const matter = await matterOf(context, reader, owner, proposal);
  if (matter === null) return NOTHING;
  const missing = missingIn(matter.terms, await context.people.said(reader, matter));
  return missing ?? NOTHING;
}

/** That enough people have said yes by now. @throws PolicyError `EXPORT_PEOPLE_MISSING` */
export async function assertAgreed(context: Asking, owned: Owned, proposal: ExportProposal): Promise<void> {
  const { reason } = await hear(context, owned, proposal);
  demand(reason === null, 'EXPORT_PEOPLE_MISSING', reason ?? '');
}

/** The same in the transaction in which a share leaves: whatever is said from now on is too late. @throws PolicyError `EXPORT_PEOPLE_MISSING` */
export async function holdAgreed(
  context: Asking,
  transaction: Transaction,
  owner: Uint8Array,
  proposal: ExportProposal,
): Promise<void> {
  const matter = await matterOf(context, transaction, owner, proposal);
  if (matter === null) return;
  const missing = missingIn(matter.terms, await context.people.holdSaid(transaction, matter));
  demand(missing === null, 'EXPORT_PEOPLE_MISSING', missing?.reason ?? '');
}

/** Null: the terms in force ask nobody, or the key is gone. */
async function matterOf(
  { vault }: Asking,
  reader: Reader,
  owner: Uint8Array,
  proposal: ExportProposal,
  expiresAt: number = ALWAYS,
): Promise<MatterOfPeople | null> {
  const row = await reader.keys.find(owner, proposal.keyId);
  if (row === null) return null;
  const terms = openHead({ vault }, row).policy;
  if (!asksPeople(terms)) return null;
  return { owner, terms, ballot: ballotOfExport(proposal, { termsHash: policyHash(terms), expiresAt }) };
}
