/** A QR code of public text: as a picture for a page, or in characters for a terminal. */
export async function createQr(text: string, form: 'svg' | 'ascii'): Promise<string> {
  const { default: encodeQR } = await import('qr');
  return encodeQR(text, form);
}
