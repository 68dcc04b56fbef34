import { randomBytes } from 'node:crypto';
import {
  encodeExportYeses,
  exportOffer,
  type ExportProposal,
  exportResult,
  openShare,
  recipientOf,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { type CertifiedEpoch, type ExportYes, hashExport, type PartyIndex } from '@ckm/threshold';
import type { BareCaller, BareServer } from './bare-server.js';

/** A key that may leave, and its servers as its owner asks them, in order of slots. */
export interface Exportable {
  readonly callers: readonly BareCaller[];
  readonly keyId: Uint8Array;
  readonly epoch: CertifiedEpoch;
  readonly expiresAt: number;
}

export const random32 = () => new Uint8Array(randomBytes(32));

/** As the owner's client asks for it. */
export function orderOf(
  { keyId, epoch }: Pick<Exportable, 'keyId' | 'epoch'>,
  changes: Partial<ExportProposal> = {},
) {
  const recipientSecret = secret(random32());
  const proposal: ExportProposal = {
    kind: 'export',
    keyId,
    epoch: 0,
    transcriptHash: epoch.transcriptHash,
    exportId: random32(),
    recipient: recipientOf(recipientSecret),
    ...changes,
  };
  return { sessionId: random32(), proposal, recipientSecret };
}
export type Order = ReturnType<typeof orderOf>;

export function propose(
  { callers, expiresAt }: Exportable,
  slot: number,
  { sessionId, proposal }: Pick<Order, 'sessionId' | 'proposal'>,
) {
  return callers[slot - 1]!.call('session.propose', { sessionId, proposal, expiresAt });
}

export function join(
  { callers }: Exportable,
  slot: number,
  { sessionId }: Pick<Order, 'sessionId'>,
  yeses: readonly ExportYes[],
) {
  return callers[slot - 1]!.call('session.join', { sessionId, parameters: encodeExportYeses(yeses) });
}

export async function yesesOf(
  world: Exportable,
  order: Order,
  slots: readonly number[],
): Promise<ExportYes[]> {
  const views = await Promise.all(slots.map((slot) => propose(world, slot, order)));
  return views.map(({ offer }) => {
    const { slot, signature } = exportOffer.parse(offer);
    return { slot: slot as PartyIndex, signature };
  });
}

/** The operator of a server types the six words of an export. */
export async function approve(server: BareServer, { proposal }: Order, words?: string): Promise<void> {
  const { sessionDesk } = server.sessions;
  const { sessions } = await sessionDesk.list();
  const spoken = words ?? formatWords(likenessOf(hashExport(proposal, proposal)));
  await sessionDesk.approve(sessions[0]!, null, spoken);
}

/** The share that a server has given out. */
export function opened({ proposal, recipientSecret }: Order, view: { readonly result: unknown }) {
  const { slot, sealed } = exportResult.parse(view.result);
  const to = { exportHash: hashExport(proposal, proposal), slot, recipient: proposal.recipient };
  return { slot: slot as PartyIndex, share: openShare(recipientSecret, to, sealed)! };
}
