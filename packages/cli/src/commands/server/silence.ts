import { decodeHex, formatSpan, StateError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { spanText } from '../../heir/heir-words.js';
import { parseKeyId, parseOwner } from '../../operator/key-id.js';
import { goOnWithout } from '../../operator/go-on-without.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';

/** `ckm server silence FOLDER KEY` */
export function serverSilenceCommand(): Command {
  return operatorLeaf(
    'silence',
    'for how long the owner of a key has been silent, and which heir asks for it',
    {
      75: 'no heir asks for it',
    },
  )
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .option(
      '--go-on <servers>',
      'let the heir go on without the word of these, which are dead, by their six words or first digits: ask their operators first',
    )
    .addOption(asOption())
    .action(run(silence));
}

interface Flags {
  readonly owner?: string;
  readonly goOn?: string;
  readonly as?: string;
}

async function silence(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  { owner: named, goOn, as }: Flags,
): Promise<void> {
  const operator = operatorOf(folder);
  const found = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(named) });
  const name = { keyId: found.keyId, owner: found.owner };
  const isAsked = goOn !== undefined && flags.preview !== true;
  const seen = await operator.silence(name);
  const said = as === undefined ? {} : { as };
  const isOpen = seen.silence !== null && seen.silence.case !== null;
  if (isAsked && !isOpen) throw nobodyAsks();
  const without = goOn === undefined || !isOpen ? [] : goOnWithout(seen.silence?.missing ?? [], goOn);
  const shown = isAsked ? await operator.agreeSilence({ ...name, without: [...without], ...said }) : seen;
  const would = goOn !== undefined && flags.preview === true ? 'would let the heir go on: ' : '';
  terminal.result(`${would}${textOf(shown.silence)}`, {
    ...(flags.preview === true ? { preview: true } : {}),
    ...name,
    ...shown,
  });
}

type Shown = Awaited<ReturnType<ReturnType<typeof operatorOf>['silence']>>['silence'];

function textOf(silence: Shown): string {
  if (silence === null) return 'its terms name no heirs, or nothing was counted yet';
  const { afterSeconds, silentSeconds, case: opened, missing, isAgreed, doubted = [] } = silence;
  const counted = `no sign of life for ${spanText(silentSeconds)} of ${formatSpan(afterSeconds)}`;
  if (opened === null) return `${counted}; nobody asks for it`;
  const { heir, leftSeconds } = opened;
  const left =
    leftSeconds === null
      ? 'somebody has still to be told'
      : leftSeconds > 0
        ? `${spanText(leftSeconds, 'up')} more`
        : 'its time has passed here';
  const words = missing.map((xid) => formatWords(likenessOf(decodeHex(xid))));
  const others =
    words.length === 0
      ? 'every other server has said so, too'
      : isAgreed
        ? `goes on without the word of ${words.join(', ')}`
        : `the word is missing of ${words.join(', ')}`;
  const doubts = doubted.length === 0 ? '' : `; ${doubted.join(', ')} took the owner to be alive`;
  return `${counted}; ${heir} asks for it${doubts}; ${left}; ${others}`;
}

function nobodyAsks(): StateError {
  return new StateError('no heir asks for this key here', {
    code: 'HEIR_NOT_ASKING',
    hint: 'look how it stands: its owner may have been heard since',
    retryable: false,
  });
}
