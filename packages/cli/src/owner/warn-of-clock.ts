import type { Client } from '@ckm/client';
import type { Context } from '../command-line/context.js';

/** Says whose clock is wrong while it does no harm yet: messages are refused only when it is further off. */
export function warnOfClock({ terminal }: Context, client: Pick<Client, 'clockDifference'>): void {
  const difference = client.clockDifference();
  if (difference !== null) terminal.warn(`ckm: warning: ${difference.text}: ${difference.hint}`);
}
