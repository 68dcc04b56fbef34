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
import type { DevicesPlace } from '../storage/storage.js';

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

/** The lists that are known, of an account or of a key. */
export interface KnownLists {
  readonly inForce: DevicesDocument;
  /** The list that was in force at a place, or is; null: none was, or it is not kept. */
  signedAt(place: DevicesPlace): Promise<SignedDevices | null>;
  /** Judges what comes behind a list: as `followDevices`. */
  follow(before: DevicesDocument, signed: SignedDevices): DevicesDocument;
}

/**
 * Judges lists in the order in which they were brought. Those that the server has are passed over; all others come into force, or none.
 * @param assertOld whether whoever signed a list is there long enough for that; throws `DEVICE_TOO_YOUNG`
 * @throws as `followDevices`; StateError `DEVICES_TWICE` for two of one place that were brought together, `DEVICE_TOO_YOUNG`
 */
export async function judgeLists(
  known: KnownLists,
  assertOld: (before: DevicesDocument, next: DevicesDocument) => void,
  documents: readonly SignedDevices[],
): Promise<Outcome> {
  const { inForce } = known;
  const lists: Accepted[] = [];
  let before = inForce;
  const newest = Math.max(...documents.map(({ document }) => parseDevices(document).generation));
  for (const signed of documents) {
    const next = parseDevices(signed.document);
    assertFor(inForce, next);
    // Somebody sends all that he has once more: what was before this generation is not kept, and is over.
    if (next.generation < inForce.generation && newest >= inForce.generation) continue;
    if (comparePlaces(next, inForce) <= 0) {
      const first = await contradicted(known, next, signed);
      if (first !== null) return { kind: 'twice', place: next, first, second: signed };
      continue;
    }
    const brought = lists.find(({ list }) => comparePlaces(list, next) === 0);
    if (brought !== undefined) {
      if (equalBytes(brought.signed.document, signed.document)) continue;
      throw devicesTwice(next);
    }
    const list = known.follow(before, signed);
    assertOld(before, list);
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
  known: KnownLists,
  next: DevicesDocument,
  signed: SignedDevices,
): Promise<SignedDevices | null> {
  const first = await known.signedAt(next);
  if (first === null) throw devicesOld(known.inForce);
  if (equalBytes(first.document, signed.document)) return null;
  await assertPossible(known, next, signed);
  return first;
}

/** Whether a list could have come into force at its place: only then does it say that somebody made two. */
async function assertPossible(
  known: KnownLists,
  next: DevicesDocument,
  signed: SignedDevices,
): Promise<void> {
  const { inForce } = known;
  // What begins a generation is signed with the words, whatever was before.
  if (next.number === 0) {
    if (authorOf(inForce, next, signed).kind !== 'words') throw devicesOld(inForce);
    return;
  }
  // The server is its own witness of whom it let in, and keeps what it signed.
  if (next.recovery !== undefined) throw devicesOld(inForce);
  const { generation, number } = next;
  const place = { generation, number: number - 1 };
  const former = await known.signedAt(place);
  if (former === null && (generation > 0 || number > 1)) throw devicesOld(inForce);
  const before = former === null ? firstOf(inForce) : parseDevices(former.document);
  followDevices(before, signed);
}

/** The list that an account began with. */
function firstOf({ server, account, words }: DevicesDocument): DevicesDocument {
  return firstDevices(server, account, words);
}
