import type { KeySilence } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import { openBothHere } from '../../approver/approver-home.js';
import { matterLines, matterObject, silentLine } from '../../approver/approver-words.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { silenceObject, silenceText } from '../../heir/heir-words.js';
import { counted } from '../../terminal/counted.js';
import { plainText } from '../../terminal/plain-text.js';

/** `ckm approver list` */
export function approverListCommand(): Command {
  return leaf(
    'list',
    'what waits for your yes or no, at every server of every key you were asked for',
  ).action(run(list));
}

async function list(context: Context): Promise<void> {
  const { terminal } = context;
  const { approver, heir } = await openBothHere(context);
  const keys = await approver.keys();
  const { matters, more, silent } = await approver.waiting();
  const cases = (await heir.list()).filter(isAskedFor);
  const machine = {
    keys: keys.map(({ keyName, keyId, name, servers }) => ({
      key: keyName,
      keyId: encodeHex(keyId),
      name,
      servers: servers.map((one) => one.name),
    })),
    matters: matters.map(matterObject),
    more,
    silent,
    cases: cases.map(silenceObject),
  };
  const text = matters.length === 0 ? nothingText(keys) : matters.map(matterLines).join('\n\n');
  terminal.result(text, machine);
  if (more > 0) terminal.warn(`  ${counted(more, 'other')} wait besides: answer some of these first`);
  for (const one of cases) terminal.warn(caseText(one));
  for (const one of silent) terminal.warn(plainText(`  ${silentLine(one)}`));
}

/** Whether somebody asks for the key because its owner is silent: whoever the terms name is told. */
function isAskedFor({ servers }: KeySilence): boolean {
  return servers.some((one) => one.case !== null);
}

function caseText(key: KeySilence): string {
  return `${silenceText(key)}\n  If the owner lives, tell him now. You hold it up once: ckm heir doubt ${plainText(key.keyName)}`;
}

function nothingText(keys: readonly { readonly keyName: string; readonly name: string }[]): string {
  if (keys.length === 0) return 'nothing waits for you: nobody has invited you yet';
  return `nothing waits for you (${keys.map(({ keyName, name }) => `${keyName}, as ${name}`).join('; ')})`;
}
