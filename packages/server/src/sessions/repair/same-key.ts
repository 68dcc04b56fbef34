import { equalBytes } from '@ckm/foundation';
import { encodeKeyParams, parseCertificate } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { readPublicEpoch } from '../keys/past-epochs.js';
import { openHead, readEpoch } from '../keys/stored-key.js';

/** Who asks for a share, and of which key: its certificates, the first one first. */
export interface Asked {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/**
 * A share belongs to a server, and to one account there: with two of them it would vote, count and answer twice. Another key of the
 * same id, which anybody may make, is in nobody's way.
 * @throws StateError `SHARE_NOT_LOST` when another account of this server has this very key
 */
export async function assertOfNobodyElse(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, chain }: Asked,
): Promise<void> {
  const parameters = encodeKeyParams(parseCertificate(chain[0]!).params);
  for (const row of await reader.keys.withId(keyId)) {
    if (equalBytes(row.owner, owner)) continue;
    if (equalBytes(await firstParameters(context, reader, row), parameters)) {
      throw refusal('SHARE_NOT_LOST', 'this server holds this key for another account');
    }
  }
}

async function firstParameters(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
): Promise<Uint8Array> {
  const isFirst = row.epoch === 0;
  const { parameters } = isFirst
    ? await readEpoch(context, reader, row, openHead(context, row))
    : await readPublicEpoch(context, reader, row, 0);
  return parameters;
}
