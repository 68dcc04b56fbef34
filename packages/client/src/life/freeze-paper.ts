import { type FreezePaper, signFreeze, writeFreezePaper } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import type { ReadKey } from '../keys/keys.js';
import { rosterOf } from '../keys/roster.js';
import { speakerFor } from './key-lists.js';

/** A freeze that is to be kept on paper, ready to be printed. */
export interface PreparedFreeze extends Pick<FreezePaper, 'key' | 'keyId' | 'stopping' | 'servers'> {
  /** `ur:envelope/…`: whoever has it stops the key for seven days, once, and does nothing else with it. */
  readonly text: string;
  /** Whose signature it has; that of a device counts until the device is taken off the list. */
  readonly by: 'words' | 'device';
}

/**
 * Makes a freeze of a key that has no dates: it is sent nowhere, and works once, from anywhere, whoever has it.
 * @throws UsageError `KEY_UNKNOWN`; StateError `KEY_OWNER_MISSING`, `KEY_DEVICE_UNLISTED`
 */
export async function prepareFreeze(
  context: ClientContext,
  readKey: ReadKey,
  name: string,
): Promise<PreparedFreeze> {
  const key = await readKey(name);
  const { needed, of } = key.public.quorum;
  const signer = await signerFor(context, key);
  const owner = await context.owner();
  const id = context.random(32);
  const freeze = signFreeze(signer, { keyId: key.keyId, id, times: null });
  wipeIdentity(signer);
  const servers = (await rosterOf(context, key)).map(({ server: { name: called, url, xid, authority } }) => ({
    name: called,
    url,
    xid,
    ...(authority === null ? {} : { authority }),
  }));
  const paper = { key: key.record.name, stopping: of - needed + 1, servers };
  const { text } = writeFreezePaper({ ...paper, freeze });
  return { ...paper, keyId: key.keyId, text, by: owner.words === null ? 'device' : 'words' };
}

/** @throws StateError `KEY_OWNER_MISSING`, `KEY_DEVICE_UNLISTED` */
async function signerFor(context: ClientContext, key: CertifiedKey) {
  const { name, policy } = key.record;
  if (policy.ownerKey === undefined)
    throw new StateError(`the terms of ${name} name no key of its owner, under which others could stop it`, {
      code: 'KEY_OWNER_MISSING',
      hint: 'give the key terms that do, or stop it from here when it comes to that',
      retryable: false,
      facts: { key: name },
    });
  const signer = await speakerFor(context, key);
  if (signer !== null) return signer;
  throw new StateError(`this device is not on the list of devices of ${name}`, {
    code: 'KEY_DEVICE_UNLISTED',
    hint: 'do it with a device that is, or where the words are',
    retryable: false,
    facts: { key: name },
  });
}
