import type { Proposal } from '@ckm/api';
import type { Call } from '../../context.js';
import { demand } from '../../refusals.js';

/** The heir in whose name a ceremony is proposed, as the terms of its key call him; undefined: its owner is. */
export function heirIn(proposal: Proposal): string | undefined {
  return typeof proposal['heir'] === 'string' ? proposal['heir'] : undefined;
}

/**
 * What an heir has proposed is his alone to go on with, and what the owner has is none of an heir's: whoever said yes to the one has not said yes to the other.
 * Everybody who may stops it.
 * @throws StateError `SESSION_DIFFERS`
 */
export function assertAsker(proposal: Proposal, { heir }: Pick<Call, 'heir'>): void {
  demand(
    heirIn(proposal) === heir?.name,
    'SESSION_DIFFERS',
    'somebody else is named as whoever asks for this',
  );
}
