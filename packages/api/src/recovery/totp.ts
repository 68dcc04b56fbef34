import { encodeUtf8, equalBytes, reveal, type Secret } from '@ckm/foundation';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

/** How an authenticator app makes its codes. Most apps know SHA-1, six digits and 30 seconds only. */
export interface TotpSettings {
  readonly algorithm: 'SHA-1' | 'SHA-256' | 'SHA-512';
  readonly digits: 6 | 8;
  /** Seconds that a code stands for. */
  readonly period: number;
}

export const COMMON_TOTP: TotpSettings = { algorithm: 'SHA-1', digits: 6, period: 30 };

const HASHES = { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-512': sha512 } as const;
/** Of clocks that go before or behind, and of people who type: in steps. Source: RFC 6238 §5.2. */
const STEPS_OF_SKEW = [-1, 0, 1] as const;

/**
 * The code of one step in time, counted from 1970. Source: RFC 4226 §5.3, RFC 6238 §4.2.
 * @param key shared with the app: random, 16 bytes or more, best as many as the hash has
 */
export function totpOf(key: Secret<Uint8Array>, step: number, { algorithm, digits }: TotpSettings): string {
  const message = new Uint8Array(8);
  const view = new DataView(message.buffer);
  view.setUint32(0, Math.floor(step / 2 ** 32));
  view.setUint32(4, step % 2 ** 32);
  const mac = hmac(HASHES[algorithm], reveal(key, 'make a code of an authenticator app'), message);
  const at = mac.at(-1)! & 0x0f;
  const number = new DataView(mac.buffer, mac.byteOffset).getUint32(at) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/**
 * The step in time that a code belongs to, at most one away from this moment and later than the last one that was used; null: it is
 * none of these. Whoever takes the code notes the step before he acts on it: then neither that code nor an older one is
 * good any more. How long this takes does not depend on which digits they are.
 * @param now UnixSeconds
 * @param lastStep of the last code that was taken; null: none was
 */
export function stepOfTotp(
  key: Secret<Uint8Array>,
  code: string,
  now: number,
  lastStep: number | null,
  settings: TotpSettings = COMMON_TOTP,
): number | null {
  if (!/^[0-9]{6,8}$/.test(code)) return null;
  const typed = encodeUtf8(code);
  const current = Math.floor(now / settings.period);
  let found: number | null = null;
  for (const skew of STEPS_OF_SKEW) {
    const step = current + skew;
    const isThis = step >= 0 && equalBytes(encodeUtf8(totpOf(key, Math.max(step, 0), settings)), typed);
    if (isThis && step > (lastStep ?? -1)) found = step;
  }
  return found;
}
