import type { Parameters } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { HeardTerms } from './ask-terms.js';
import type { HeardStandings } from './standing.js';

/** What servers say of a key, for one that was away. */
export type Heads = NonNullable<Parameters<'terms.learn'>['heads']>;

const NO_NONCE = new Uint8Array(32);

/**
 * What servers that have the newest terms of a key in force say of that, signed: where as many as the quorum needs do, one that was away takes those over
 * without a delay of its own. Whoever does not answer vouches for nothing.
 */
export async function headsOf(
  context: ClientContext,
  keyId: Uint8Array,
  { heard, termsAt, newest }: Pick<HeardStandings, 'heard' | 'termsAt' | 'newest'>,
): Promise<Heads> {
  const those = heard.filter((one) => termsAt(one) === newest);
  const heads = await Promise.all(those.map((one) => headOf(context, keyId, one)));
  return heads.flat();
}

async function headOf(
  context: ClientContext,
  keyId: Uint8Array,
  { participant, slot }: HeardTerms,
): Promise<Heads> {
  if (participant === null) return [];
  try {
    const link = await context.linkTo(participant.server);
    const { head, signature } = await link.call('key.head', { keyId, nonce: NO_NONCE });
    return [{ slot, head, signature }];
  } catch (error) {
    if (error instanceof CkmError) return [];
    throw error;
  }
}
