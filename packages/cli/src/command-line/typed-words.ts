import type { Command } from 'commander';
import type { TypedWords } from '../terminal/remedy-words.js';

/** Arguments that a hint may name, by the words that stand for them there. */
const ARGUMENTS: Readonly<Record<string, string>> = { folder: 'FOLDER', key: 'KEY' };

/** What was typed for the words in capitals that stand in hints, so that a hint runs when it is copied. */
export function typedWords(command: Command): TypedWords {
  const words: Record<string, string> = {};
  command.registeredArguments.forEach((argument, i) => {
    const word = ARGUMENTS[argument.name()];
    const typed = command.args[i];
    if (word !== undefined && typed !== undefined && typed !== '') words[word] = quoted(typed);
  });
  const { psbt } = command.opts<{ readonly psbt?: unknown }>();
  if (typeof psbt === 'string' && psbt !== '') words['PSBT'] = quoted(psbt);
  return words;
}

/** As a shell reads it as one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
