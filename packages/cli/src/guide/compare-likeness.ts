import type { CertifiedKey } from '@ckm/client';
import { PeerFaultError } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { askChoice, canAsk } from '../terminal/prompt.js';

/**
 * The last step of making a key: its owner compares what operators see, or says that he will. Nobody is asked where nobody
 * sits, or with `--yes`.
 * @throws PeerFaultError `KEY_LIKENESS_DIFFERS`
 */
export async function compareLikeness({ terminal, flags }: Context, { record }: CertifiedKey): Promise<void> {
  const { name } = record;
  if (flags.yes === true || terminal.json || !canAsk(terminal)) return;
  const answer = await askChoice(
    terminal,
    'Does every operator see the same six words for this key (ckm server keys FOLDER)?',
    [
      { value: 'later', label: 'not compared yet', hint: 'do it before you rely on the key' },
      { value: 'same', label: 'yes, all of them', hint: 'by phone or in person' },
      { value: 'different', label: 'no, one sees something else', hint: 'do not use the key' },
    ],
    'later',
    'answer with --yes',
  );
  if (answer === 'different') throw differs(name);
  if (answer === 'later')
    terminal.talk(`  compare before you rely on it; see it again: ckm key show ${name}`);
  terminal.talk('  note where your servers are, on paper: ckm sheet');
}

function differs(name: string): PeerFaultError {
  return new PeerFaultError(`an operator sees another likeness for ${name}`, {
    code: 'KEY_LIKENESS_DIFFERS',
    hint: `send nothing to it, and ask all servers what they hold: ckm key verify ${name}   to drop it: ckm key forget ${name}`,
  });
}
