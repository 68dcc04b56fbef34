import { rulesSentences } from '@ckm/api';
import {
  type Client,
  type CreateKeyArgs,
  draftTerms,
  type InvitedPeople,
  type WrittenTerms,
} from '@ckm/client';
import { encodeUtf8, StateError } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../command-line/context.js';
import { afterAnswer } from '../command-line/after-answer.js';
import { confirm } from '../terminal/prompt.js';
import { cancelled } from '../terminal/seat.js';
import { assertWritable, writeOut } from '../terminal/write-out.js';

/** A key that is to be made with terms, as far as its owner has said. */
export interface TermsWish {
  readonly args: CreateKeyArgs & { readonly terms: WrittenTerms };
  readonly termsFile: Uint8Array;
  /** The folder for invitations; undefined: none are written. */
  readonly invitations: string | undefined;
}

/** What terms say before they are certified, for whoever is to say yes to them. */
export function wishedTermsLines(terms: WrittenTerms): string[] {
  const [, ...sentences] = rulesSentences(draftTerms(terms), REQUEST_FACTS);
  return sentences.map((one, at) => `  ${(at === 0 ? 'Terms' : '').padEnd(8)}${one}`);
}

/**
 * Goes on as far as can be gone without the people of the terms: invites whoever was not, and puts on record what waits for them. True where
 * nobody is waited for any more.
 * @throws StateError `TERMS_APPROVER_ABSENT`, `CANCELLED_BY_PERSON`
 */
export async function waitForPeople(context: Context, client: Client, wish: TermsWish): Promise<boolean> {
  const { args, invitations } = wish;
  const people = await client.invitedPeople(args.name, args.terms);
  const absent = [...people.uninvited, ...people.waiting];
  if (absent.length === 0) return true;
  if (invitations === undefined && people.uninvited.length > 0) throw notInvited(args.name, people);
  if (invitations === undefined) throw notAnswered(args.name, people);
  await invite(context, client, wish, absent);
  return false;
}

async function invite(
  context: Context,
  client: Client,
  { args, termsFile, invitations }: TermsWish,
  names: readonly string[],
): Promise<void> {
  const { terminal, flags } = context;
  const { name, servers } = args;
  const files = names.map((one) => ({ name: one, file: join(invitations!, `${name}.${one}.invitation`) }));
  const missing = await only(files, ({ file }) =>
    access(file).then(
      () => false,
      () => true,
    ),
  );
  for (const { file } of missing) await assertWritable(file, flags);
  const machine = { name, waiting: names, invitations: files };
  if (flags.preview === true) {
    terminal.result(`nothing was sent; would write ${missing.map(({ file }) => file).join(', ')}`, {
      preview: true,
      ...machine,
    });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Invite ${names.join(', ')} to say yes or no?`)))
    throw cancelled();
  await client.draftKey({ ...draftOf(args), termsFile });
  for (const { name: one, file } of missing) {
    const { text } = await client.inviteApprover({ key: name, name: one, servers });
    await writeOut(file, encodeUtf8(`${text}\n`));
  }
  const rows = files.map(({ name: one, file }) => `${one}: give ${file} to ${one}`);
  terminal.result(rows.join('\n'), machine);
  throw afterAnswer(notAnswered(name, await client.invitedPeople(name, args.terms)));
}

function draftOf({ name, purpose, suite, quorum, servers, network, exportable, strict }: CreateKeyArgs) {
  return {
    name,
    purpose,
    suite: suite ?? null,
    quorum,
    servers,
    network: purpose === 'bitcoin' ? (network ?? 'bitcoin') : null,
    exportable: exportable === true,
    strict: strict === true,
  };
}

async function only<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(all.map(holds));
  return all.filter((_, at) => kept[at]);
}

function notInvited(name: string, { uninvited }: InvitedPeople): StateError {
  return absent(
    name,
    `${uninvited.join(', ')} ${uninvited.length === 1 ? 'has' : 'have'} not been invited`,
    `write their invitations: ckm key create ${name} … --invitations FOLDER`,
  );
}

function notAnswered(name: string, { waiting, uninvited }: InvitedPeople): StateError {
  const names = [...waiting, ...uninvited];
  return absent(
    name,
    `${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} yet to answer`,
    `take in what each of them answers: ckm approver add ANSWER; then: ckm key create ${name}`,
  );
}

function absent(name: string, why: string, hint: string): StateError {
  return new StateError(`${name} is not made yet: ${why}`, {
    code: 'TERMS_APPROVER_ABSENT',
    hint,
    retryable: false,
  });
}
