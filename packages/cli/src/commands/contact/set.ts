import { RECOVERY_DELAY_SECONDS, type WantedContact } from '@ckm/api';
import { planVoucher, type SetContact } from '@ckm/client';
import { encodeHex, encodeUtf8, type Secret } from '@ckm/foundation';
import { Argument, type Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { accountText, aloneText, contactObject, KIND_TEXT } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { otpauthUri } from '../../owner/otpauth.js';
import { showQr } from '../../sheet/show-qr.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

const KINDS = ['totp', 'xid', 'mail', 'operator'] as const;
type Kind = (typeof KINDS)[number];
const DAY = 86_400;

/** `ckm contact set SERVER KIND` */
export function contactSetCommand(): Command {
  const command = leaf('set', 'name somebody who brings you back at a server when every device is lost', {
    75: 'there are as many contacts there as there may be, or this device is too new',
    77: 'this device may not manage contacts',
  })
    .argument('<server>', 'what you call it')
    .addArgument(new Argument('<kind>', 'an app, another person, an address, or the operator').choices(KINDS))
    .option('--address <address>', 'of mail: where codes are sent')
    .option('--out <file>', 'of xid: a new file, for the other person: ckm contact vouch; - is stdout')
    .option('--qr', 'of totp: as a picture too, which the app reads off the screen')
    .option('--delay <days>', 'how long a recovery waits that it begins', '7');
  return addWordsFlags(command, 'set it with the words: then it counts as soon as it is verified').action(
    run(set),
  );
}

interface Flags extends WordsFlags {
  readonly address?: string;
  readonly out?: string;
  readonly qr?: true;
  readonly delay: string;
}

async function set(context: Context, server: string, kind: Kind, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const contact = contactOf(kind, given);
  const delaySeconds = delayOf(given.delay);
  const out = outFile(given.out);
  if (out !== undefined) await assertWritable(out, flags);
  const client = await openOwner(context);
  if (flags.preview === true) {
    await client.showServer(server);
    terminal.result(`would set ${KIND_TEXT[kind]} as your contact at ${server}`, {
      preview: true,
      server,
      kind,
      delaySeconds,
    });
    return;
  }
  const done = await withWords(context, given, (words: Secret<Uint8Array> | undefined) =>
    client.setContact({ server, contact, delaySeconds, ...(words === undefined ? {} : { words }) }),
  );
  const account = kind === 'operator' ? await client.accountAt(server) : null;
  await show(context, done, account === null ? null : encodeHex(account), out, given.qr === true);
}

function contactOf(kind: Kind, { address, out, qr }: Flags): WantedContact {
  if ((kind === 'mail') !== (address !== undefined))
    throw optionInvalid(
      '--address is of mail, and mail has one',
      'ckm contact set SERVER mail --address ADDRESS',
    );
  if ((kind === 'xid') !== (out !== undefined))
    throw optionInvalid('--out is of xid, and xid has one', 'ckm contact set SERVER xid --out FILE');
  if (qr === true && kind !== 'totp')
    throw optionInvalid('--qr is of totp', 'ckm contact set SERVER totp --qr');
  return kind === 'mail' ? { kind, address: address! } : { kind };
}

function delayOf(text: string): number {
  const days = Number(text);
  if (/^[0-9]{1,2}$/.test(text) && days >= 1 && days <= 90) return days * DAY;
  throw optionInvalid(
    `--delay is 1 to 90 days, not ${JSON.stringify(text.slice(0, 20))}`,
    `leave it out for ${RECOVERY_DELAY_SECONDS / DAY}`,
  );
}

async function show(
  { terminal }: Context,
  { contact, secret, request, alone }: SetContact,
  account: string | null,
  out: string | undefined,
  isQrWanted: boolean,
): Promise<void> {
  const { server, kind, state } = contact;
  // Whoever vouches is asked whether these words were read to him.
  const asked = request === null ? null : planVoucher(request).about;
  const uri = secret === null ? null : otpauthUri(server, contact.name, secret);
  const machine = {
    ...contactObject(contact),
    ...(uri === null ? {} : { uri }),
    ...(asked === null ? {} : { request: out ?? request, likeness: likenessObject(asked) }),
    ...(account === null ? {} : { account }),
    alone,
  };
  if (out !== undefined) await writeOut(out, encodeUtf8(`${request!}\n`));
  for (const one of alone) terminal.warn(`ckm: warning: ${aloneText(one)}`);
  if (asked !== null) terminal.warn(`\n${formatLikeness(terminal, `you at ${server}`, asked)}\n`);
  if (uri !== null) {
    terminal.talk('  give this to the app, by typing or as a picture; whoever sees it can make the codes:');
    terminal.copied(uri, machine);
    if (isQrWanted) await showQr(terminal, uri);
  } else if (request !== null && out === undefined) terminal.copied(request, machine);
  else terminal.result(`${KIND_TEXT[kind]} is set at ${server}`, machine);
  if (account !== null) terminal.talk(`  ${accountText(server, account)}`);
  if (asked !== null)
    terminal.talk(
      `  bring that person ${out ?? 'this'}, and read these six words by voice; there: ckm contact vouch FILE --person NAME --out VOUCHER`,
    );
  if (state === 'unverified') terminal.talk(`  then show that it works: ${verifyHint(kind, server)}`);
}

function verifyHint(kind: string, server: string): string {
  return kind === 'xid'
    ? `ckm contact verify ${server} xid --voucher FILE`
    : `ckm contact verify ${server} ${kind}`;
}
