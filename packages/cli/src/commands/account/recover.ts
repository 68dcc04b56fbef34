import type { CaseView, ContactName } from '@ckm/api';
import type { Client, Recovery } from '@ckm/client';
import { AccessError, encodeUtf8 } from '@ckm/foundation';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { caseObject, caseText } from '../../owner/contact-words.js';
import { machineName } from '../../owner/make-offer.js';
import { readAuthority } from '../../owner/read-authority.js';
import { openRecoveringOwner } from '../../owner/recovering-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { confirm } from '../../terminal/prompt.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';
import { readProof } from '../contact/verify.js';

/** `ckm account recover SERVER` */
export function accountRecoverCommand(): Command {
  return leaf(
    'recover',
    'come back at a server, from a new folder, when every device and the words are lost',
    {
      65: 'the voucher cannot be read',
      75: 'somebody has said no, or the recovery is over',
      77: 'what was shown makes nobody a contact there',
    },
  )
    .argument('<server>', 'what you call it, from now on')
    .option('--url <url>', 'first: where it answers')
    .option('--likeness <words>', 'the six words its operator told you; anything else is refused')
    .option('--ca <file>', 'certificate (PEM) of the authority behind its TLS certificate')
    .option('--mail <address>', 'by an address: a code is sent there, and typed or read from --code-file')
    .option('--app <name>', 'by an app: the name that it shows beside its codes')
    .option('--code-file <file>', 'first line is the code; - is stdin')
    .option('--request-out <file>', 'by another person, or by the operator: what they are asked; - is stdout')
    .option('--voucher <file>', 'by another person: what came back; - is stdin')
    .option('--name <name>', 'what this device is to be called (default: as this machine is)')
    .addOption(new Option('--veto', 'say no, as a contact, to somebody else who wants the account'))
    .action(run(recover));
}

interface Flags {
  readonly url?: string;
  readonly likeness?: string;
  readonly ca?: string;
  readonly mail?: string;
  readonly app?: string;
  readonly codeFile?: string;
  readonly requestOut?: string;
  readonly voucher?: string;
  readonly name?: string;
  readonly veto?: true;
}

async function recover(context: Context, server: string, given: Flags): Promise<void> {
  const { terminal, flags, home } = context;
  const wanted = [given.mail, given.app, given.requestOut, given.voucher].filter((one) => one !== undefined);
  if (wanted.length > 1)
    throw optionInvalid(
      'one contact is shown at a time',
      'name one of --mail, --app, --request-out, --voucher',
    );
  if (given.requestOut !== undefined) await assertWritable(outFile(given.requestOut), flags);
  if (flags.preview === true) {
    terminal.result(`would ask ${server} for an account, from ${home.path}`, {
      preview: true,
      server,
      home: home.path,
    });
    return;
  }
  const client = await openRecoveringOwner(context);
  const recovery = await begin(context, client, server, given);
  if (given.requestOut !== undefined) return writeRequest(context, client, recovery, given);
  const shown = await proof(context, client, server, given);
  if (shown === 'sent') return;
  const view = shown ?? (await client.showRecovery(server));
  await goOn(context, client, recovery, view, given);
}

/** Pins the server, once a person has compared who it is; or finds what was begun. */
async function begin(
  context: Context,
  client: Client,
  name: string,
  { url, likeness, ca }: Flags,
): Promise<Recovery> {
  const { terminal, flags } = context;
  if (url === undefined) return client.openRecovery(name);
  const authority = ca === undefined ? {} : { authority: await readAuthority(ca) };
  const expected = likeness === undefined ? {} : { expectedLikeness: likeness };
  const seen = await client.previewServer(url, { name, ...expected, ...authority });
  if (likeness === undefined) {
    terminal.warn(`\n${formatLikeness(terminal, seen.title, seen.xid)}\n`);
    const question = 'Is this what its operator told you, by phone or in person?';
    if (flags.yes !== true && !(await confirm(terminal, question))) throw doesNotMatch();
  }
  return client.beginRecovery({ name, url: seen.url, expectedXid: seen.xid, ...expected, ...authority });
}

async function writeRequest(
  { terminal }: Context,
  client: Client,
  { server, key }: Recovery,
  { requestOut, veto }: Flags,
): Promise<void> {
  const request = await client.requestVoucher(server.name, veto === true ? 'veto' : 'recovery');
  const out = outFile(requestOut);
  const machine = { server: server.name, request: out ?? request, likeness: likenessObject(key) };
  terminal.warn(`\n${formatLikeness(terminal, 'this device', key)}\n`);
  if (out === undefined) terminal.copied(request, machine);
  else {
    await writeOut(out, encodeUtf8(`${request}\n`));
    terminal.result(`what they are asked is in ${out}`, machine);
  }
  terminal.talk(
    '  read them these six words by voice: ckm contact vouch FILE, or: ckm server recover FOLDER FILE',
  );
}

/** Shows a contact, if one is named. @returns `sent`: a code is on its way, and nobody is there to type it */
async function proof(
  context: Context,
  client: Client,
  server: string,
  given: Flags,
): Promise<CaseView | 'sent' | null> {
  const contact = nameOf(given);
  if (contact === null) return null;
  if (contact.kind === 'mail' && given.codeFile === undefined) {
    const until = await client.requestCode(server, contact.name);
    const text = `if ${contact.name} is a contact of an account at ${server}, a code is on its way to it`;
    const { terminal } = context;
    if (terminal.json || !process.stdin.isTTY) {
      terminal.result(text, { server, codeHoldsUntil: until });
      terminal.talk('  then the same with --code-file FILE');
      return 'sent';
    }
    terminal.talk(`  ${text}; it holds until ${formatInstant(until, unixNow())}`);
  }
  const deed = given.veto === true ? 'veto' : 'recover';
  return client.proveContact({ server, contact, proof: await readProof(context, given), deed });
}

function nameOf({ mail, app, voucher }: Flags): ContactName | null {
  if (mail !== undefined) return { kind: 'mail', name: mail };
  if (app !== undefined) return { kind: 'totp', name: app.toLowerCase() };
  return voucher === undefined ? null : { kind: 'xid', name: '' };
}

async function goOn(
  { terminal, home }: Context,
  client: Client,
  { server, key }: Recovery,
  view: CaseView | null,
  { name = machineName(), veto }: Flags,
): Promise<void> {
  const machine = { server: server.name, home: home.path, likeness: likenessObject(key) };
  if (view === null) {
    terminal.result(`${server.name} is asked by this device; no contact was shown yet`, {
      ...machine,
      case: null,
    });
    terminal.talk(
      '  show one: --mail ADDRESS, --app NAME, or --request-out FILE for a person or the operator',
    );
    return;
  }
  const isReady = view.state === 'waiting' && view.readyAt === null;
  if (veto === true || (!isReady && view.state !== 'done')) {
    terminal.result(`${server.name}: ${caseText(view)}`, { ...machine, case: caseObject(view) });
    if (view.state === 'waiting') terminal.talk(`  then the same again: ckm account recover ${server.name}`);
    return;
  }
  await client.finishRecovery(server.name, name);
  await client.rememberDevices();
  terminal.result(`you are back at ${server.name}: this device is ${name}, and the only one there`, {
    ...machine,
    name,
    case: caseObject({ ...view, state: 'done' }),
  });
  terminal.talk('  when enough servers of a key know you again: ckm key fetch');
  terminal.talk(
    '  a key whose terms name people knows this device as nobody yet: ckm terms propose KEY --own',
  );
}

function doesNotMatch(): AccessError {
  return new AccessError('nothing was asked: you said that its operator told you something else', {
    code: 'SERVER_LIKENESS_MISMATCH',
    hint: 'ask the operator for the likeness on another way than this network',
  });
}
