import type { Terminal } from '../terminal/terminal.js';
import { createQr } from './qr.js';

/** Shows public text as a QR code, on stderr, where the terminal is wide enough for one. */
export async function showQr(terminal: Terminal, text: string): Promise<void> {
  const code = await createQr(text, 'ascii');
  const width = code.split('\n')[0]!.length;
  if (terminal.columns !== undefined && terminal.columns < width)
    terminal.warn(`the QR code is ${width} columns wide: make the terminal wider`);
  else terminal.talk(code);
}
