import { AvailabilityError, StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import { openHeirHere } from '../../approver/approver-home.js';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { doubtNotTaken } from '../../heir/doubt-words.js';
import { silenceObject, silenceText } from '../../heir/heir-words.js';
import { plainText } from '../../terminal/plain-text.js';

/** `ckm heir doubt KEY` */
export function heirDoubtCommand(): Command {
  return leaf('doubt', 'say that the owner may live: what somebody else asks for waits anew, once', {
    69: 'a server did not hear it',
    75: 'a server did not take it yet',
  })
    .argument('<key>', 'what its owner calls it: see ckm heir list')
    .action(run(doubt));
}

async function doubt(context: Context, key: string): Promise<void> {
  const { terminal, flags } = context;
  const heir = await openHeirHere(context);
  const { keyName, name, servers } = await heir.find(key);
  const names = servers.map((one) => one.name).join(', ');
  if (flags.preview === true) {
    const text = `nothing was sent; would say at ${plainText(names)} that the owner of ${plainText(keyName)} may live`;
    terminal.result(text, { preview: true, key: keyName });
    return;
  }
  const silence = await heir.doubt(key);
  terminal.result(silenceText(silence), silenceObject(silence));
  // Where nobody asks there is nothing to hold up.
  const deaf = silence.silent.filter(({ code }) => code !== 'HEIR_NOT_ASKING').map(({ server }) => server);
  const untaken = doubtNotTaken(silence);
  if (deaf.length === 0 && untaken.length > 0) throw afterAnswer(notTaken(untaken));
  if (deaf.length === 0) return;
  throw afterAnswer(
    new AvailabilityError(`${deaf.join(', ')} has not heard that ${name} takes the owner to be alive`, {
      code: 'DOUBT_NOT_HEARD',
      hint: 'say it again when it answers, and tell the owner',
      facts: { servers: deaf, notTaken: untaken },
    }),
  );
}

function notTaken(servers: readonly string[]): StateError {
  return new StateError(
    `${servers.join(', ')} has not taken that: no days run there yet, or you ask yourself`,
    {
      code: 'DOUBT_NOT_TAKEN',
      hint: 'say it again in a day or two, and tell the owner',
      facts: { servers },
    },
  );
}
