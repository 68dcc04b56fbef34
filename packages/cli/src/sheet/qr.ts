/** Most bytes of one code: half of what the largest one holds, so that a camera still reads it off paper. */
const MOST_BYTES = 1_000;

/** A QR code of public text, of at most 1,000 bytes: as a picture for a page, or in characters for a terminal. */
export async function createQr(text: string, form: 'svg' | 'ascii'): Promise<string> {
  const { default: encodeQR } = await import('qr');
  return encodeQR(text, form);
}

/** Lines in as few parts as there must be codes for them. @param lines of at most 1,000 bytes each */
export function splitForQr(lines: readonly string[]): readonly string[] {
  const parts: string[] = [];
  for (const line of lines) {
    const longer = `${parts.at(-1) ?? ''}\n${line}`;
    if (parts.length > 0 && Buffer.byteLength(longer) <= MOST_BYTES) parts[parts.length - 1] = longer;
    else parts.push(line);
  }
  return parts;
}
