import { createTerminal } from '../terminal/terminal.js';
import type { Context } from './context.js';

/** For what other programs start, with our stdin and stderr in their hands: people are asked on the terminal behind. */
export function onTheTerminal(context: Context): Context {
  const { json, quiet, color, trueColor, input } = context.terminal;
  return { ...context, terminal: createTerminal({ json, quiet, color, trueColor, input, direct: true }) };
}
