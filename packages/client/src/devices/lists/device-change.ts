import {
  type DeviceKey,
  DEVICE_PRIVILEGES,
  deviceKey,
  type DevicePrivilege,
  type SignedDevices,
} from '@ckm/api';
import { compareBytes, equalBytes, type Secret } from '@ckm/foundation';
import { type Data, decodePublicKeys, encodePublicKeys } from '@ckm/gordian';
import { openDeviceName } from '../../owner/device-notes.js';
import { corrupt, type RecordReader } from '../../store/record-reader.js';

/** What is to become of the list at one server. Done twice it is done once. */
export type DeviceChange =
  /** A device is let in, or is called otherwise, or may do something else. */
  | {
      readonly kind: 'put';
      readonly name: string;
      readonly key: DeviceKey;
      /** Only called otherwise: whoever is out since stays out. Absent: it is let in. */
      readonly isRename?: true;
    }
  /** `id`: of the key that is meant, 32 bytes; null: whichever is called so, since the list was never seen here. */
  | { readonly kind: 'remove'; readonly name: string; readonly id: Uint8Array | null };

/** One that a server has not taken in yet. */
export interface UnsentChange {
  readonly change: DeviceChange;
  /** UnixSeconds */
  readonly madeAt: number;
  /** The list that the words signed for it when they were typed; null: whoever sends it signs. */
  readonly signed: SignedDevices | null;
  /** The other servers that the same device is let in at, each with the id of its key there. */
  readonly elsewhere: readonly { readonly server: Uint8Array; readonly id: Uint8Array }[];
}

/** Whether two are about the same device, and mean the same for it. */
export function isSameChange(a: DeviceChange, b: DeviceChange): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  const [one, other] = [idIn(a), idIn(b)];
  return one === null || other === null ? one === other : equalBytes(one, other);
}

function idIn(change: DeviceChange): Uint8Array | null {
  return change.kind === 'put' ? change.key.id : change.id;
}

/** The keys of a list after a change. Null: it is so already. */
export function changedKeys(
  keys: readonly DeviceKey[],
  change: DeviceChange,
  household: Secret<Uint8Array>,
): readonly DeviceKey[] | null {
  const nameOf = (one: DeviceKey) => openDeviceName(household, one.publicKeys, one.notes);
  if (change.kind === 'remove') {
    const { id, name } = change;
    const isMeant = (one: DeviceKey) => (id === null ? nameOf(one) === name : equalBytes(one.id, id));
    const left = keys.filter((one) => !isMeant(one));
    return left.length === keys.length ? null : left;
  }
  const { key, name } = change;
  const before = keys.find(({ id }) => equalBytes(id, key.id));
  if (before === undefined && change.isRename === true) return null;
  const isSame = before !== undefined && nameOf(before) === name && before.may.join() === key.may.join();
  if (isSame) return null;
  return [...keys.filter((one) => one !== before), key].toSorted((a, b) => compareBytes(a.id, b.id));
}

/** As its own words say: what a person reads of it. */
export function changeText({ kind, name }: DeviceChange): string {
  return kind === 'remove' ? `${name} is removed` : `${name} is let in`;
}

export function changeData({ change, madeAt, signed, elsewhere }: UnsentChange): Data {
  const what =
    change.kind === 'remove'
      ? { id: change.id }
      : {
          publicKeys: encodePublicKeys(change.key.publicKeys),
          may: [...change.key.may],
          notes: change.key.notes,
          isRename: change.isRename === true,
        };
  return {
    kind: change.kind,
    name: change.name,
    madeAt,
    signed: signed === null ? null : { ...signed },
    elsewhere: elsewhere.map((one) => ({ ...one })),
    ...what,
  };
}

/** @throws StorageError `STORE_CORRUPT` */
export function readChange(path: string, record: RecordReader): UnsentChange {
  const signed = record.has('signed') ? record.record('signed') : null;
  const [name, madeAt] = [record.text('name'), record.integer('madeAt')];
  return {
    change:
      record.text('kind') === 'remove'
        ? { kind: 'remove', name, id: record.has('id') ? record.bytes('id', 32) : null }
        : {
            kind: 'put',
            name,
            key: keyIn(path, record),
            ...(record.boolean('isRename') ? { isRename: true } : {}),
          },
    madeAt,
    signed:
      signed === null
        ? null
        : { document: signed.bytes('document'), signature: signed.bytes('signature', 64) },
    elsewhere: record
      .records('elsewhere')
      .map((one) => ({ server: one.bytes('server', 32), id: one.bytes('id', 32) })),
  };
}

function keyIn(path: string, record: RecordReader): DeviceKey {
  const may = record.list('may').filter(isPrivilege);
  try {
    return deviceKey(decodePublicKeys(record.bytes('publicKeys')), may, record.bytes('notes'));
  } catch {
    throw corrupt(path);
  }
}

function isPrivilege(value: unknown): value is DevicePrivilege {
  return DEVICE_PRIVILEGES.some((one) => one === value);
}
