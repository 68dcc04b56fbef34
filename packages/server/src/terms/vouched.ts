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

/** Terms that others say are in force with them, and how many say so. */
export interface Vouched {
  readonly terms: SaidTerms;
  readonly by: number;
}

/** What others say of the terms of a key, and of how many that has to be said. */
export interface Heard {
  readonly said: readonly Vouched[];
  /** How many other servers the key has. */
  readonly others: number;
  readonly quorum: { readonly needed: number; readonly of: number };
}

/**
 * Which terms other servers of the key say are in force with them. How old it is that they said so does not matter: what was in force is followed by terms of a
 * higher number only.
 */
export async function hearTerms(
  context: Pick<ServerContext, 'identity' | 'vault'>,
  reader: Reader,
  { row, head }: KeyWithTerms,
  heads: NonNullable<Parameters<'terms.learn'>['heads']>,
): Promise<Heard> {
  const { roster, quorum } = parseKeyParams((await readEpoch(context, reader, row, head)).parameters);
  const isOwn = (serverId: Uint8Array) => equalBytes(serverId, context.identity.xid);
  const said = new Map<string, { readonly terms: SaidTerms; readonly by: Set<number> }>();
  for (const { slot, head: bytes, signature } of heads) {
    const entry = roster.find((one) => one.slot === slot);
    if (entry === undefined || isOwn(entry.serverId)) continue;
    if (!verifyIdentityStatement(entry.identityKey, headStatement(bytes), signature)) continue;
    const { keyId, isSure, terms } = parseIfWhole(bytes) ?? {};
    if (keyId === undefined || terms === undefined || isSure !== true || !equalBytes(keyId, row.keyId))
      continue;
    const name = `${terms.version} ${encodeHex(terms.hash)}`;
    const known = said.get(name) ?? { terms, by: new Set() };
    said.set(name, { terms, by: known.by.add(slot) });
  }
  const others = roster.filter(({ serverId }) => !isOwn(serverId)).length;
  return { said: [...said.values()].map(({ terms, by }) => ({ terms, by: by.size })), others, quorum };
}

/** How many say that some terms are in force with them. */
export function vouchersOf({ said }: Heard, { version, hash }: SaidTerms): number {
  return said.find(({ terms }) => terms.version === version && equalBytes(terms.hash, hash))?.by ?? 0;
}

function parseIfWhole(head: Uint8Array): KeyHeadStatement | null {
  try {
    return parseHead(head);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
