import {
  headStatement,
  type KeyHeadStatement,
  type Parameters,
  parseHead,
  verifyIdentityStatement,
} from '@ckm/api';
import { encodeHex, EncodingError, equalBytes } from '@ckm/foundation';
import { parseKeyParams } from '@ckm/threshold';
import type { ServerContext } from '../context.js';
import { readEpoch } from '../sessions/keys/stored/read-key.js';
import type { Reader } from '../storage/storage.js';
import type { KeyWithTerms } from './held-key.js';

/** Terms that others have in force. */
export type SaidTerms = NonNullable<KeyHeadStatement['terms']>;

/**
 * The latest terms that so many other servers of the key say are in force with them that one of those is honest. How old it is that they said so does not
 * matter: what was in force is followed by later ones only. Null: too few say so of any.
 */
export async function vouchedTerms(
  context: Pick<ServerContext, 'identity' | 'vault'>,
  reader: Reader,
  { row, head }: KeyWithTerms,
  heads: NonNullable<Parameters<'terms.learn'>['heads']>,
): Promise<SaidTerms | null> {
  const { roster, quorum } = parseKeyParams((await readEpoch(context, reader, row, head)).parameters);
  const said = new Map<string, { readonly terms: SaidTerms; readonly by: Set<number> }>();
  for (const { slot, head: bytes, signature } of heads) {
    const entry = roster.find((one) => one.slot === slot);
    if (entry === undefined || equalBytes(entry.serverId, context.identity.xid)) continue;
    if (!verifyIdentityStatement(entry.identityKey, headStatement(bytes), signature)) continue;
    const { keyId, isSure, terms } = parseIfWhole(bytes) ?? {};
    if (keyId === undefined || terms === undefined || isSure !== true || !equalBytes(keyId, row.keyId))
      continue;
    const name = `${terms.version} ${encodeHex(terms.hash)}`;
    const known = said.get(name) ?? { terms, by: new Set() };
    said.set(name, { terms, by: known.by.add(slot) });
  }
  const enough = [...said.values()].filter(({ by }) => by.size >= quorum.needed);
  return enough.map(({ terms }) => terms).toSorted((a, b) => b.version - a.version)[0] ?? null;
}

function parseIfWhole(head: Uint8Array): KeyHeadStatement | null {
  try {
    return parseHead(head);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
