/** Letters and digits that nobody takes for each other; 32 of them. */
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';
const LENGTH = 12;

/** A name that an app shows and nobody can guess: 60 bits. As `TOTP_NAME` wants it. */
export function drawTotpName(random: (length: number) => Uint8Array): string {
  return Array.from(random(LENGTH), (byte) => LETTERS[byte % LETTERS.length]!).join('');
}
