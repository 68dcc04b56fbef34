import { COMMON_TOTP, totpOf } from '@ckm/api';
import { secret } from '@ckm/foundation';

/** The app on a telephone that shows codes (RFC 6238). */
export interface AuthenticatorApp {
  /** The name that it shows beside its codes. */
  readonly name: string;
  /** The next code. One that was taken is not taken again, and clocks may differ by one step: so it is that of the next one, if need be. */
  code(): string;
}

/** @param uri what the app takes: `otpauth://…`. @param now milliseconds since 1970 */
export function authenticatorApp(uri: string, name: string, now: () => number = Date.now): AuthenticatorApp {
  const shared = fromBase32(/secret=([A-Z2-7]+)/.exec(uri)![1]!);
  let last = 0;
  return {
    name,
    code: () => {
      last = Math.max(Math.floor(now() / 1_000 / COMMON_TOTP.period), last + 1);
      return totpOf(secret(shared.slice()), last, COMMON_TOTP);
    },
  };
}

/** Source: RFC 4648 §6 */
function fromBase32(text: string): Uint8Array {
  const bits = Array.from(text, (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2));
}
