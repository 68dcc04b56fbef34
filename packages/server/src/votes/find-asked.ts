import { encodeHex, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { type KeyHead, openIfWhole } from '../sessions/keys/stored/key-head.js';
import type { AskedRow, MatterName, MatterRow, Reader } from '../storage/storage.js';

type FindContext = Pick<ServerContext, 'vault' | 'events'>;

/** What different accounts may ask one approver under one id, for keys of one id of which no certificate is known. */
const MOST_TWINS = 8;

/** That somebody is asked about a matter. */
export type AskedName = Pick<AskedRow, 'approver' | 'owner' | 'matter' | 'matterId'>;

/** A matter as an approver names it. */
export interface MatterOfKey extends Pick<MatterRow, 'matter' | 'matterId' | 'keyId'> {
  /** Transcript hash of the first certificate of the key; null: none is known. */
  readonly known: Uint8Array | null;
}

/**
 * The accounts that ask an approver about a matter. Anybody may make a key of whatever id: where its first certificate is known, that of the very key is all
 * that is found, however many others there are.
 * @param isResting also where it rests and he has said something of it
 */
export async function findAsked(
  context: FindContext,
  reader: Reader,
  approver: Uint8Array,
  { matter, matterId, keyId, known }: MatterOfKey,
  isResting: boolean,
): Promise<readonly MatterName[]> {
  const name = { matter, matterId, keyId };
  const found: MatterName[] = [];
  const owners = known === null ? [] : await ownersOf(context, reader, keyId, known);
  for (const owner of owners)
    found.push(...namesOf(await reader.asked.find(approver, { ...name, owner }, 1)));
  // Who has seen no certificate yet takes what there is, and looks at whose it is.
  if (known === null) found.push(...namesOf(await reader.asked.find(approver, name, MOST_TWINS)));
  if (found.length > 0 || !isResting) return found;
  const resting: MatterName[] = [];
  for (const owner of known === null ? await ownersOf(context, reader, keyId, null) : owners) {
    const one = { owner, matter, matterId };
    if (await hasSaid(reader, approver, one)) resting.push(one);
  }
  return resting;
}

function namesOf(rows: readonly AskedRow[]): MatterName[] {
  return rows.map(({ owner, matter, matterId }) => ({ owner, matter, matterId }));
}

async function hasSaid(reader: Reader, approver: Uint8Array, name: MatterName): Promise<boolean> {
  return (await reader.votes.of(name)).some((row) => equalBytes(row.approver, approver));
}

/**
 * The accounts that have a key of this id.
 * @param known only that whose first certificate has this transcript hash; null: all
 */
export async function ownersOf(
  context: FindContext,
  reader: Reader,
  keyId: Uint8Array,
  known: Uint8Array | null,
): Promise<readonly Uint8Array[]> {
  if (known === null) return (await wholeKeys(context, reader, keyId)).map(({ owner }) => owner);
  const found = foundBefore(context);
  const name = `${encodeHex(keyId)} ${encodeHex(known)}`;
  const before = found.get(name);
  if (before !== undefined && (await isIts(context, reader, before, { keyId, known }))) return [before];
  found.delete(name);
  const all = await wholeKeys(context, reader, keyId);
  const owners = all.filter(({ head }) => isFirst(head, known)).map(({ owner }) => owner);
  if (owners.length === 1) remember(found, name, owners[0]!);
  return owners;
}

/** Whose key it is stays: strangers with keys of its id make the first look longer, and no other one. */
const FOUND = new WeakMap<ServerContext['vault'], Map<string, Uint8Array>>();
const MOST_FOUND = 4_096;

function foundBefore({ vault }: FindContext): Map<string, Uint8Array> {
  const found = FOUND.get(vault) ?? new Map<string, Uint8Array>();
  FOUND.set(vault, found);
  return found;
}

function remember(found: Map<string, Uint8Array>, name: string, owner: Uint8Array): void {
  const [oldest] = found.keys();
  if (found.size >= MOST_FOUND && oldest !== undefined) found.delete(oldest);
  found.set(name, owner);
}

async function isIts(
  context: FindContext,
  reader: Reader,
  owner: Uint8Array,
  { keyId, known }: { readonly keyId: Uint8Array; readonly known: Uint8Array },
): Promise<boolean> {
  const row = await reader.keys.find(owner, keyId);
  const head = row === null ? null : openIfWhole(context, row);
  return head !== null && isFirst(head, known);
}

async function wholeKeys(
  context: FindContext,
  reader: Reader,
  keyId: Uint8Array,
): Promise<readonly { readonly owner: Uint8Array; readonly head: KeyHead }[]> {
  const rows = await reader.keys.withId(keyId);
  return rows.flatMap((row) => {
    const head = openIfWhole(context, row);
    return head === null ? [] : [{ owner: row.owner, head }];
  });
}

function isFirst({ first, certified }: KeyHead, known: Uint8Array): boolean {
  const its = first ?? certified?.transcriptHash;
  return its !== undefined && equalBytes(known, its);
}
