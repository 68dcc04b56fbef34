import { encodeHex } from '@ckm/foundation';
import { taggedHash } from '@ckm/threshold';

/** One epoch of one key of one owner. */
export interface EpochScope {
  readonly owner: Uint8Array;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
}

/** One ceremony of one owner: what it must remember is sealed under a key that ends with it. */
export interface SessionScope {
  readonly owner: Uint8Array;
  /** 32 bytes. */
  readonly sessionId: Uint8Array;
}

/** What has a key of its own. */
export type KeyScope = EpochScope | SessionScope;

/** The key of an epoch or a ceremony, or the count of a head. */
export const FILE_NAME: RegExp = /^(session-|head-)?[0-9a-f]{64}$/;
/** What a key is written to before it gets its name. */
export const UNFINISHED: RegExp = /^(session-|head-)?[0-9a-f]{64}(\.[0-9a-f]{16})?\.new$/;
export const OF_EPOCH: RegExp = /^[0-9a-f]{64}$/;
export const OF_SESSION: RegExp = /^session-[0-9a-f]{64}$/;

/** Whether a file in a folder of epoch keys is the key of an epoch or a ceremony, the count of a head, or one that is being written. */
export function isKeyFile(name: string): boolean {
  return FILE_NAME.test(name) || UNFINISHED.test(name);
}

/** The folder inside a data directory, unless another one is configured. */
export const EPOCH_KEYS_FOLDER = 'epoch-keys';

/** What a key is called in its folder. It says nothing about whose it is. */
export function nameOf(scope: KeyScope): string {
  if ('sessionId' in scope) {
    return `session-${encodeHex(taggedHash('CKM/session-key/name/v1', scope.owner, scope.sessionId))}`;
  }
  const { owner, keyId, epoch } = scope;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, epoch);
  return encodeHex(taggedHash('CKM/epoch-key/name/v1', owner, keyId, bytes));
}

/** What the file of an epoch's key is called in a data directory, and in a backup. */
export function epochKeyName(scope: EpochScope): string {
  return fileName(nameOf(scope));
}

/** What the sealed content of a file is bound to. */
export function fileName(name: string): string {
  return `${EPOCH_KEYS_FOLDER}/${name}`;
}
