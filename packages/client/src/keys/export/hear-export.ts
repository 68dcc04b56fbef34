import {
  exportOffer,
  type ExportProposal,
  exportResult,
  openShare,
  recipientOf,
  type SessionView,
  verifyIdentityStatement,
} from '@ckm/api';
import { CkmError, type Secret, wipe } from '@ckm/foundation';
import {
  isCertifiedShare,
  type ExportedShare,
  exportStatement,
  type ExportYes,
  hashExport,
  type PartyIndex,
} from '@ckm/threshold';
import { isSilence, type Participant } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import type { ExportRecord } from './export-record.js';

/** How far a server has come. `given`: its share is here. `agreed`: it has signed its yes. `waits`: for its operator or its time. */
export type ExportState = 'given' | 'agreed' | 'waits' | 'refused' | 'silent' | 'faulty';

/** One export as it is carried. */
export interface Carried {
  readonly record: ExportRecord;
  readonly recipientSecret: Secret<Uint8Array>;
}

/** What one server has said. */
export interface Said {
  readonly participant: Participant;
  readonly yes: ExportYes | null;
  readonly share: ExportedShare | null;
  readonly state: ExportState;
  readonly code: string | null;
  /** For whom it waits, or who ended it and why, as the server says; null: it says nothing of that. */
  readonly reason: string | null;
}

export function proposalOf(key: CertifiedKey, { record, recipientSecret }: Carried): ExportProposal {
  const { epoch, transcriptHash, exportId } = record;
  const recipient = recipientOf(recipientSecret);
  return { kind: 'export', keyId: key.keyId, epoch, transcriptHash, exportId, recipient };
}

/** Takes what a server answers; whatever is wrong with it keeps nobody from hearing the others. */
export async function hear(
  key: CertifiedKey,
  carried: Carried,
  participant: Participant,
  ask: () => Promise<SessionView>,
): Promise<Said> {
  const nothing = { participant, yes: null, share: null, reason: null };
  try {
    return judge(key, carried, participant, await ask());
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { ...nothing, state: isSilence(error) ? 'silent' : 'refused', code: error.code };
  }
}

function judge(
  key: CertifiedKey,
  carried: Carried,
  participant: Participant,
  { state, offer, result, reason }: SessionView,
): Said {
  const nothing = { participant, yes: null, share: null, code: null, reason };
  if (state === 'proposed') return { ...nothing, state: 'waits' };
  if (state !== 'accepted' && state !== 'finished')
    return { ...nothing, state: 'refused', code: `SESSION_${state.toUpperCase()}` };
  const yes = readYes(key, carried, participant, offer);
  if (yes === null) return { ...nothing, state: 'faulty' };
  if (state === 'accepted') return { ...nothing, yes, state: 'agreed' };
  const share = readShare(key, carried, participant, result);
  return share === null ? { ...nothing, yes, state: 'faulty' } : { ...nothing, yes, share, state: 'given' };
}

/** Null: it is not what this server signs. */
function readYes(
  key: CertifiedKey,
  carried: Carried,
  { slot }: Participant,
  offer: SessionView['offer'],
): ExportYes | null {
  const parsed = exportOffer.safeParse(offer);
  if (!parsed.success || parsed.data.slot !== slot) return null;
  const { identityKey } = key.newest.params.roster[slot - 1]!;
  const statement = exportStatement(key.newest, proposalOf(key, carried), slot);
  const { signature } = parsed.data;
  if (!verifyIdentityStatement(identityKey, statement, signature)) return null;
  return { slot: slot as PartyIndex, signature };
}

/** Null: it does not open, or is not the certified share of this slot. */
function readShare(
  key: CertifiedKey,
  carried: Carried,
  { slot }: Participant,
  result: SessionView['result'],
): ExportedShare | null {
  const parsed = exportResult.safeParse(result);
  if (!parsed.success || parsed.data.slot !== slot) return null;
  const proposal = proposalOf(key, carried);
  const to = { exportHash: hashExport(proposal, proposal), slot, recipient: proposal.recipient };
  const share = openShare(carried.recipientSecret, to, parsed.data.sealed);
  if (share === null) return null;
  const own: ExportedShare = { slot: slot as PartyIndex, share };
  if (isCertifiedShare(key.newest, own)) return own;
  wipe(share);
  return null;
}
