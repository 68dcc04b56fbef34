import type { Parameters } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { HeardTerms } from './ask-terms.js';
import type { HeardStandings } from './standing.js';
import { comesFrom, type KnownTerms } from './terms-graph.js';

/** What servers say of a key, for one that was away. */
export type Heads = NonNullable<Parameters<'terms.learn'>['heads']>;

const NO_NONCE = new Uint8Array(32);

/**
 * What servers that have some terms of a key in force, or later ones that follow from them, say of that, signed: where as many as the quorum needs do, one that was away
 * takes those over without a delay of its own. Whoever does not answer vouches for nothing.
 */
export async function headsOf(
  context: ClientContext,
  keyId: Uint8Array,
  { heard, termsAt }: Pick<HeardStandings, 'heard' | 'termsAt'>,
  terms: KnownTerms,
): Promise<Heads> {
  const those = heard.filter((one) => {
    const has = termsAt(one);
    return has !== undefined && comesFrom(has, terms);
  });
  const heads = await Promise.all(those.map((one) => headOf(context, keyId, one, terms.version)));
  return heads.flat();
}

async function headOf(
  context: ClientContext,
  keyId: Uint8Array,
  { participant, slot }: HeardTerms,
  version: number,
): Promise<Heads> {
  if (participant === null || version === 0) return [];
  try {
    const link = await context.linkTo(participant.server);
    const asked = { keyId, nonce: NO_NONCE, terms: version };
    const { head, signature } = await link.call('key.head', asked);
    return [{ slot, head, signature }];
  } catch (error) {
    if (error instanceof CkmError) return [];
    throw error;
  }
}
