import { type CertifiedKey, type Client, likenessDiffers } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { askChoice } from '../terminal/prompt.js';
import { canAsk } from '../terminal/seat.js';

/** What an owner says of the likeness of a key; `later`: he has not compared it. */
export type Compared = 'same' | 'different' | 'later';

/**
 * The last step of making a key: its owner compares what operators see, or says that he will. Nobody is asked where nobody
 * sits, or with `--yes`, or about what was compared before.
 * @throws PeerFaultError `KEY_LIKENESS_DIFFERS`
 */
export async function compareLikeness(context: Context, client: Client, name: string): Promise<void> {
  const { terminal, flags } = context;
  if (flags.yes === true || terminal.json || !canAsk(terminal)) return;
  const key = await client.showKey(name);
  if (key.record.comparison !== undefined) return;
  const answer = await askCompared(context).catch((error: unknown): null => {
    // The key is made whatever becomes of the question.
    if (error instanceof CkmError && error.code === 'CANCELLED_BY_PERSON') return null;
    throw error;
  });
  if (answer === null) terminal.warn(`  the key ${name} is made, and not compared yet`);
  await noteCompared(context, client, key, answer ?? 'later');
  terminal.talk('  note where your servers are, on paper: ckm sheet');
}

/** @throws UsageError `INPUT_NEEDED`; StateError `CANCELLED_BY_PERSON` */
export function askCompared({ terminal }: Context): Promise<Compared> {
  return askChoice(
    terminal,
    'Does every operator see the same six words for this key (ckm server keys FOLDER)?',
    [
      { value: 'later', label: 'not compared yet', hint: 'do it before you rely on the key' },
      { value: 'same', label: 'yes, all of them', hint: 'by phone or in person' },
      { value: 'different', label: 'no, one sees something else', hint: 'do not use the key' },
    ],
    'later',
    'say it with --answer same or --answer different',
  );
}

/** Keeps what was found. @throws PeerFaultError `KEY_LIKENESS_DIFFERS`, once that is on record */
export async function noteCompared(
  { terminal }: Context,
  client: Client,
  key: CertifiedKey,
  answer: Compared,
): Promise<void> {
  const { name } = key.record;
  if (answer === 'later') {
    terminal.talk(`  compare before you rely on it: ckm key compare ${name}`);
    return;
  }
  await client.noteComparison(key, answer);
  if (answer === 'different') throw likenessDiffers(name);
}
