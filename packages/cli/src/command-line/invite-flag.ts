import { readInput } from '../terminal/read-input.js';

const MOST_BYTES = 4096;

/** The code of an invite lets whoever has it in: it stands in a file, never on the command line. */
export const INVITE_FLAG = '--invite-file <file>';

/** The invite in that file; undefined where none is named. @throws UsageError, IoError when it cannot be read */
export async function readInvite(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readInput(file, MOST_BYTES, 'name the file that holds the invite alone');
  return new TextDecoder().decode(bytes).split('\n')[0]!.trim();
}
