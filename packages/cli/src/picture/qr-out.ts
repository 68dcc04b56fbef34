import type { GlobalFlags } from '../command-line/globals.js';
import { assertWritable, writeOut } from '../terminal/write-out.js';
import { formatQrPicture } from './qr-picture.js';

/** On a command that writes something for others to carry, besides its `--out`. */
export const QR_OUT = [
  '--qr-out <file>',
  'the same as a picture too, in a new file (PNG): a QR code, or several in turn; it is read where the text is',
] as const;

export interface QrFlags {
  readonly qrOut?: string;
}

/** Refuses early what could not be written. @throws as {@link assertWritable} */
export async function assertQrWritable(
  { qrOut }: QrFlags,
  flags: Pick<GlobalFlags, 'preview'>,
): Promise<void> {
  await assertWritable(qrOut, flags);
}

/** Writes the picture, where one is wanted. @returns what to tell programs of it */
export async function writeQr({ qrOut }: QrFlags, ur: string): Promise<{ readonly qr?: string }> {
  if (qrOut === undefined) return {};
  await writeOut(qrOut, await formatQrPicture(ur));
  return { qr: qrOut };
}
