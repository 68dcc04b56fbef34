/** Source: RFC 4648 §6 */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * What an authenticator app takes: `otpauth://totp/…`, with the name that it shows beside its codes.
 * @param secret 20 bytes
 */
export function otpauthUri(server: string, name: string, secret: Uint8Array): string {
  const issuer = encodeURIComponent(`CKM ${server}`);
  return `otpauth://totp/${issuer}:${name}?secret=${base32(secret)}&issuer=${issuer}&algorithm=SHA1&digits=6&period=30`;
}

/** Of whole groups of five bytes. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += LETTERS[(held >> bits) & 31]!;
    }
    held &= (1 << bits) - 1;
  }
  return text;
}
