import {
  encodeData,
  type Data,
  decodeData,
  decodePublicKeys,
  encodePublicKeys,
  type PublicKeys,
} from '@ckm/gordian';
import { equalBytes } from '@ckm/foundation';
import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import { recoveryRequestInvalid } from './codes.js';
import { type Vouched, VOUCHED } from './voucher.js';

/** What a contact, or an operator in person, is asked to vouch for. Nothing in it is secret; whose it is, people compare. */
export interface VouchRequest {
  /** XID. */
  readonly server: Uint8Array;
  readonly vouched: Vouched;
  /** Of `contact` the key of the words of the account, else the key that recovers it. */
  readonly keys: PublicKeys;
}

const LIMITS = { maxBytes: 512, maxDepth: 2, maxItems: 16 } as const;
const written = z.strictObject({
  v: z.literal(1),
  kind: z.literal('vouch-request'),
  server: bytesOf(32),
  vouched: z.enum(VOUCHED),
  keys: bytesUpTo(128),
});

/** The bytes of a request: deterministic CBOR. */
export function encodeVouchRequest({ server, vouched, keys }: VouchRequest): Uint8Array {
  return encodeData({
    v: 1,
    kind: 'vouch-request',
    server,
    vouched,
    keys: encodePublicKeys(keys),
  } satisfies Data);
}

/** @throws EncodingError `RECOVERY_REQUEST_INVALID` */
export function parseVouchRequest(bytes: Uint8Array): VouchRequest {
  if (bytes.length > LIMITS.maxBytes) throw recoveryRequestInvalid('it is too long');
  const parsed = written.safeParse(orNull(() => decodeData(bytes, LIMITS)));
  if (!parsed.success) throw recoveryRequestInvalid('it is something else, or cut');
  const { server, vouched } = parsed.data;
  const keys = orNull(() => decodePublicKeys(parsed.data.keys));
  if (keys === null || keys.signing.scheme !== 'ed25519')
    throw recoveryRequestInvalid('its key cannot be read');
  const request = { server, vouched, keys };
  if (!equalBytes(encodeVouchRequest(request), bytes))
    throw recoveryRequestInvalid('it is spelled in another way');
  return request;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
