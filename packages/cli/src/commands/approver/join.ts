import { MOST_INVITATION_CHARACTERS } from '@ckm/api';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import type { Command } from 'commander';
import { openApproverHere } from '../../approver/approver-home.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { formatLikeness, likenessLine, likenessObject } from '../../terminal/likeness.js';
import { plainText } from '../../terminal/plain-text.js';
import { confirm } from '../../terminal/prompt.js';
import { readCarried } from '../../picture/read-carried.js';
import { cancelled } from '../../terminal/seat.js';
import { formatTable } from '../../terminal/table.js';
import { assertQrWritable, QR_OUT, type QrFlags, writeQr } from '../../picture/qr-out.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

/** `ckm approver join INVITATION --out ANSWER` */
export function approverJoinCommand(): Command {
  return leaf('join', 'take an invitation to be an approver of a key, and answer it', {
    65: 'the invitation cannot be read',
    75: 'this approver was invited to the same key before, under another name',
  })
    .argument('<invitation>', 'the file of: ckm approver invite; - is stdin')
    .requiredOption('--out <file>', 'a new file with your answer, for the owner of the key; - is stdout')
    .option(...QR_OUT)
    .action(run(join));
}

interface Flags extends QrFlags {
  readonly out: string;
}

async function join(context: Context, path: string, { out: named, ...given }: Flags): Promise<void> {
  const { terminal, flags } = context;
  const out = outFile(named);
  await assertWritable(out, flags);
  await assertQrWritable(given, flags);
  const text = await readCarried(
    path,
    MOST_INVITATION_CHARACTERS,
    'name the right file: no invitation is so long',
  );
  const approver = await openApproverHere(context);
  const { name, keyName, keyId, servers } = await approver.planJoin(text);
  const machine = {
    key: keyName,
    keyId: encodeHex(keyId),
    name,
    servers: servers.map((one) => ({ name: one.name, url: one.url, likeness: likenessObject(one.xid) })),
  };
  terminal.warn(
    [
      '',
      `  You are asked to say yes or no to what the key ${plainText(keyName)} does, as ${name}, at these servers:`,
      formatTable(
        servers.map((one) => [`    ${plainText(one.name)}`, plainText(one.url), likenessLine(one.xid)]),
      ),
      '',
    ].join('\n'),
  );
  if (flags.preview === true) {
    terminal.result(`would answer as ${name}, for the key ${plainText(keyName)}`, {
      preview: true,
      ...machine,
    });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Is that what the owner told you?'))) throw cancelled();
  const { answer } = await approver.join(text);
  const answered = {
    ...machine,
    answer: out ?? answer.text,
    ...(await writeQr(given, answer.text)),
    likeness: likenessObject(answer.digest),
  };
  if (out !== undefined) await writeOut(out, encodeUtf8(`${answer.text}\n`));
  terminal.warn(`\n${formatLikeness(terminal, name, answer.digest)}\n`);
  if (out === undefined) terminal.copied(answer.text, answered);
  else terminal.result(`your answer is in ${out}`, answered);
  terminal.talk('  give it to the owner, and read him these six words by telephone, or face to face');
}
