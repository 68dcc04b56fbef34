import { rulesSentences } from '@ckm/api';
import type { Client, PreparedRequest, SeedSource, SignArgs, SignResult } from '@ckm/client';
import { EncodingError, encodeUtf8, PolicyError } from '@ckm/foundation';
import {
  inputsLeftToOthers,
  type OpenInput,
  refusalOfOpen,
  REQUEST_ERRORS,
  REQUEST_FACTS,
  transactionIn,
} from '@ckm/requests';
import { basename, resolve } from 'node:path';
import type { Context } from '../command-line/context.js';
import { parseDuration } from '../command-line/option-values.js';
import { policyLines } from '../command-line/policy-flags.js';
import { inStore, openOwner } from '../owner/open-owner.js';
import { warnOfClock } from '../owner/warn-of-clock.js';
import { buildRequest, type RequestFlags } from './build-request.js';
import { transactionObject } from './artefact.js';
import { fileNameOf } from './file-name.js';
import { handOver } from './hand-over.js';
import { agree } from './agree.js';
import { formatDescription, formatDoubts } from '../terminal/description.js';
import { plainText } from '../terminal/plain-text.js';
import { createProgress } from '../terminal/progress.js';
import type { Terminal } from '../terminal/terminal.js';
import { assertOutput } from '../terminal/watch-output.js';
import { assertWritable, outFile, writeArtefact } from '../terminal/write-out.js';

/** The flags of `ckm sign`. */
export interface SignFlags extends RequestFlags {
  readonly extract?: true;
  readonly blind?: true;
  readonly acceptLoss?: true;
  readonly without?: string;
  readonly wait?: string;
  readonly out?: string;
}

/** Who signs: the owner of this folder, or somebody whose client is there already. */
type Signing = { readonly seed: SeedSource } | { readonly client: Client };

/** What `ckm sign` does. */
export async function signRequest(
  context: Context,
  { key, file, ...signing }: Signing & { readonly key: string; readonly file: string | undefined },
  given: SignFlags,
): Promise<void> {
  const { terminal, flags } = context;
  const client = 'client' in signing ? signing.client : await openOwner(context, signing.seed);
  const out = outFile(given.out);
  if (out === undefined && flags.preview !== true) assertOutput();
  await assertWritable(out, flags);
  const request = await buildRequest(file, given);
  const fileName = fileNameOf(file);
  if (given.extract === true && (await extractAtOnce(context, client, key, request.payload, out))) return;
  const args: SignArgs = {
    key,
    ...request,
    ...(fileName === undefined ? {} : { fileName }),
    ...(given.without === undefined ? {} : { without: given.without.split(',').map((one) => one.trim()) }),
    ...(out === undefined ? {} : { destination: { out: resolve(out), isExtracted: given.extract === true } }),
    ...(given.wait === undefined ? {} : { waitSeconds: parseDuration('--wait', given.wait) }),
  };
  const asked = await client.prepare(args);
  const shown = showRequest(context, key, asked);
  const refusal = refusalOf(asked, key, request.kind === 'message' ? file : undefined);
  if (flags.preview === true) {
    if (refusal !== null) throw refusal;
    const { description, details, asks, policy, needed } = asked;
    terminal.result('nothing was sent', { preview: true, key, description, details, asks, policy, needed });
    return;
  }
  await agree(context, {
    description: asked.description,
    key,
    question: 'Ask for this signature?',
    isBlindWanted: given.blind === true,
    isLossAccepted: given.acceptLoss === true,
    refusal,
    shown,
  });
  const progress = createProgress(terminal);
  await progress.during(asked.sign(progress.on, progress), async (result) => {
    warnAbout(context, terminal, result);
    warnOfClock(context, client);
    await handOver(terminal, {
      key,
      kind: request.kind,
      result,
      out,
      isExtracted: given.extract === true,
      request: progress.keptAs(),
    });
  });
}

/**
 * Hands out the transaction of a PSBT that is signed already. False when this key has to sign first.
 * @throws EncodingError `PSBT_NOT_SIGNED` when others have to sign too, `PSBT_SIGNATURE_WRONG`, `PSBT_INPUT_UNCHECKABLE`:
 * before anybody is asked for anything
 */
async function extractAtOnce(
  { terminal, flags }: Context,
  client: Client,
  name: string,
  psbt: Uint8Array,
  out: string | undefined,
): Promise<boolean> {
  const key = await client.usableKey(name);
  const final = transactionIn(psbt);
  if (final === null) {
    const left = inputsLeftToOthers(psbt, key.context);
    if (left.length > 0) throw noTransaction(left);
    return false;
  }
  terminal.talk(`  transaction ${final.txid}, ${final.virtualBytes} vB, ready to be sent`);
  if (out !== undefined && flags.preview !== true) await writeArtefact(out, encodeUtf8(`${final.hex}\n`));
  terminal.result(out === undefined ? final.hex : '', { ...transactionObject(final), out: out ?? null });
  return true;
}

function noTransaction(left: readonly OpenInput[]): EncodingError {
  const { code, message } = refusalOfOpen(left)!;
  return new EncodingError(`there can be no final transaction: ${message}`, {
    code,
    hint:
      code === 'PSBT_NOT_SIGNED'
        ? 'sign without --extract, and hand the PSBT on to whoever has to sign the rest'
        : REQUEST_ERRORS[code],
  });
}

/** What the policy says against it, with what to do about a file that is no text and is to be signed without a domain. */
function refusalOf({ refusal }: PreparedRequest, key: string, file: string | undefined): PolicyError | null {
  if (refusal?.code !== 'POLICY_BLIND' || file === undefined) return refusal;
  const name = file === '-' ? 'stdin' : basename(file);
  return new PolicyError(`${name} is not text, and without a domain it could mean anything`, {
    code: refusal.code,
    hint: 'leave out --raw; to sign it as it is, make a key that may sign blindly: --allow-blind',
    retryable: false,
  });
}

/**
 * Shows what would be signed, as this client reads it from the bytes, and who would be asked. Of what was agreed to
 * beforehand `--quiet` leaves only what should make one hesitate.
 * @returns what it wrote; null: not all of it
 */
export function showRequest(
  { terminal, flags }: Context,
  key: string,
  asked: PreparedRequest,
): string | null {
  if (terminal.quiet && flags.yes === true && asked.refusal === null) {
    const doubts = formatDoubts(terminal, asked.description);
    if (doubts !== '') terminal.warn(doubts, 'asWritten');
    return null;
  }
  const text = `${formatDescription(terminal, asked.description, asked.refusal)}\n${askLines(key, asked)}`;
  terminal.warn(text, 'asWritten');
  return text;
}

function askLines(key: string, { asks, needed, policy }: PreparedRequest): string {
  return [
    `  Key     ${key}`,
    `  Servers any ${needed} of ${asks.join(', ')}`,
    ...policyLines(policy).map((line) => `  ${line}`),
    ...peopleLines(policy),
    '',
  ].join('\n');
}

/** Whose yes the terms of the key ask for, rule by rule; nothing where they ask nobody. */
function peopleLines(policy: PreparedRequest['policy']): string[] {
  if (policy.approvals === undefined) return [];
  const rules = rulesSentences(policy, REQUEST_FACTS).filter((line) => line.startsWith('Rule '));
  return rules.map((line, at) => `  ${at === 0 ? 'People ' : '       '} ${line}`);
}

/** Of these there is nothing more to say than that no answer came. */
const PLAIN_SILENCES: readonly string[] = ['SERVER_UNREACHABLE', 'SERVER_TIMEOUT', 'SERVER_CONNECTION_LOST'];

export function warnAbout(
  context: Context,
  terminal: Terminal,
  { faulty, silent, silences, refused }: SignResult,
): void {
  for (const { server, code, evidence } of faulty) {
    const what = code.startsWith('SUSPECT_') ? 'is suspected' : 'misbehaved';
    terminal.warn(
      `ckm: warning: ${server} ${what} (${code}) and was left out · seen: ${inStore(context, evidence)}`,
    );
  }
  for (const { server, reason, code } of refused)
    terminal.talk(`ckm: note: ${server} refused: ${plainText(reason)} (${code})`, 'asWritten');
  const told = silences.filter(({ code }) => code !== 'CLOCK_DIFFERS' && !PLAIN_SILENCES.includes(code));
  for (const { server, reason } of told) terminal.talk(`ckm: note: ${server} ${reason}`);
  const rest = silent.filter(
    (name) => !silences.some(({ server, code }) => server === name && !PLAIN_SILENCES.includes(code)),
  );
  if (rest.length > 0) terminal.talk(`ckm: note: no answer from ${rest.join(', ')}`);
}
