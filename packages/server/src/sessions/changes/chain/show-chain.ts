import { CHAIN_PAGE_BYTES, type Parameters, type Result } from '@ckm/api';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { Reader } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { openHead } from '../../keys/stored/key-head.js';
import { openChange } from '../change-record.js';
import type { DecidingScope } from '../deciding.js';

/** Certificates in one answer, as long as their bytes allow; one longer than that still goes alone. */
const MOST_CERTIFICATES = 16;

/**
 * Shows certificates of a key, one epoch after the other. Behind the epoch in use it shows that of the next one, where it keeps it and has not
 * entered it yet, to whoever asks for what is behind; so does one that has nothing of the key but that.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`
 */
export async function showChain(
  context: ServerContext,
  call: Call,
  { keyId, after }: Parameters<'key.chain'>,
): Promise<Result<'key.chain'>> {
  const owner = call.account.xid;
  return context.storage.read(async (reader) => {
    const row = await reader.keys.find(owner, keyId);
    const decided =
      after === null ? null : await readDecided(context, reader, { owner, keyId, epoch: after });
    if (decided !== null) return { certificates: [decided], next: null };
    if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
    const { certified, left } = openHead(context, row);
    if (certified === null) throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
    const newest = left?.epoch ?? row.epoch;
    const certificates: Uint8Array[] = [];
    let bytes = 0;
    let epoch = after === null ? 0 : after + 1;
    for (; epoch <= newest && certificates.length < MOST_CERTIFICATES; epoch++) {
      const { certificate } = await readPublicEpoch(context, reader, row, epoch);
      bytes += certificate.length;
      if (certificates.length > 0 && bytes > CHAIN_PAGE_BYTES) break;
      certificates.push(certificate);
    }
    return { certificates, next: epoch <= newest ? epoch - 1 : null };
  });
}

/** The certificate of the epoch that follows, where it is kept until this server enters it; null: there is none. */
export async function readDecided(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
): Promise<Uint8Array | null> {
  const row = await reader.changes.find(owner, keyId, epoch);
  return row === null ? null : (openChange(context, row).decided?.certificate ?? null);
}
