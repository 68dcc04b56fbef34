import {
  assertFor,
  authorOf,
  comparePlaces,
  type DevicesDocument,
  devicesOld,
  devicesTwice,
  firstDevices,
  followDevices,
  parseDevices,
  type SignedDevices,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Account } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';
import type { Reader } from '../storage/storage.js';
import { type Ages, assertOldEnough } from './quarantine.js';
import { listInForce, signedAt } from './stored-lists.js';

/** A list with what it says. */
export interface Accepted {
  readonly list: DevicesDocument;
  readonly signed: SignedDevices;
}

/** What becomes of lists that were brought: those that come into force one after the other, or one that contradicts another. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly lists: readonly Accepted[] }
  | {
      readonly kind: 'twice';
      readonly place: DevicesDocument;
      readonly first: SignedDevices;
      readonly second: SignedDevices;
    };

/**
 * Judges lists in the order in which they were brought. Those that the server has are passed over; all others come into force, or none.
 * @throws as `followDevices`; StateError `DEVICES_TWICE` for two of one place that were brought together, `DEVICE_TOO_YOUNG`
 */
export async function judgeLists(
  context: Pick<ServerContext, 'vault' | 'identity'>,
  reader: Reader,
  account: Account,
  ages: Ages,
  documents: readonly SignedDevices[],
): Promise<Outcome> {
  const inForce = listInForce(context, account);
  const lists: Accepted[] = [];
  let before = inForce;
  const newest = Math.max(...documents.map(({ document }) => parseDevices(document).generation));
  for (const signed of documents) {
    const next = parseDevices(signed.document);
    assertFor(inForce, next);
    // Somebody sends all that he has once more: what was before this generation is not kept, and is over.
    if (next.generation < inForce.generation && newest >= inForce.generation) continue;
    if (comparePlaces(next, inForce) <= 0) {
      const first = await contradicted(context, reader, account, next, signed);
      if (first !== null) return { kind: 'twice', place: next, first, second: signed };
      continue;
    }
    const known = lists.find(({ list }) => comparePlaces(list, next) === 0);
    if (known !== undefined) {
      if (equalBytes(known.signed.document, signed.document)) continue;
      throw devicesTwice(next);
    }
    const list = followDevices(before, signed);
    assertOldEnough(ages, before, list);
    lists.push({ list, signed });
    before = list;
  }
  return { kind: 'accepted', lists };
}

/**
 * The list that was in force at the place of another one, which could have come into force there too; null: it is that very list.
 * @throws StateError `DEVICES_OLD`, AccessError `DEVICES_SIGNATURE_INVALID`, …: it could not
 */
async function contradicted(
  context: Pick<ServerContext, 'vault' | 'identity'>,
  reader: Reader,
  account: Account,
  next: DevicesDocument,
  signed: SignedDevices,
): Promise<SignedDevices | null> {
  const inForce = listInForce(context, account);
  const first = await signedAt(context, reader, account, next);
  if (first === null) throw devicesOld(inForce);
  if (equalBytes(first.document, signed.document)) return null;
  await assertPossible(context, reader, account, next, signed);
  return first;
}

/** Whether a list could have come into force at its place: only then does it say that somebody made two. */
async function assertPossible(
  context: Pick<ServerContext, 'vault' | 'identity'>,
  reader: Reader,
  account: Account,
  next: DevicesDocument,
  signed: SignedDevices,
): Promise<void> {
  const inForce = listInForce(context, account);
  // What begins a generation is signed with the words, whatever was before.
  if (next.number === 0) {
    if (authorOf(inForce, next, signed).kind !== 'words') throw devicesOld(inForce);
    return;
  }
  const { generation, number } = next;
  const place = { generation, number: number - 1 };
  const former = await signedAt(context, reader, account, place);
  if (former === null && (generation > 0 || number > 1)) throw devicesOld(inForce);
  const before = former === null ? firstOf(inForce) : parseDevices(former.document);
  followDevices(before, signed);
}

/** The list that an account began with. */
function firstOf({ server, account, words }: DevicesDocument): DevicesDocument {
  return firstDevices(server, account, words);
}
