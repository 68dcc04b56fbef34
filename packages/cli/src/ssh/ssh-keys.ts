import type { Client } from '@ckm/client';
import { purposeKinds, sshPublicKeyBlob } from '@ckm/requests';
import { isHandedOut } from '../commands/key/show.js';

/** A key of the owner as SSH sees it. */
export interface SshKey {
  /** What the owner calls it. */
  readonly name: string;
  /** The public key as SSH writes it. */
  readonly blob: Uint8Array;
  /** Whether every server has stored it, and no operator sees another; it is not offered else. */
  readonly isHandedOut: boolean;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Kinds of request it was made for. */
  readonly kinds: readonly string[];
}

/** Every key that OpenSSH could know, with its certificate checked. */
export async function listSshKeys(client: Client): Promise<SshKey[]> {
  const keys: SshKey[] = [];
  for (const { name } of await client.listKeys()) {
    const key = await client.showKey(name);
    const { public: shared, purpose } = key;
    if (shared.suite !== 'ed25519') continue;
    const { quorum, groupKey } = shared;
    const kinds = purposeKinds(purpose);
    keys.push({ name, blob: sshPublicKeyBlob(groupKey), isHandedOut: isHandedOut(key), quorum, kinds });
  }
  return keys;
}
