import { type Client, type RequestRecord, shortId } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import { requestKind } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { parseDuration } from '../../command-line/option-values.js';
import { onlyOpen } from '../../command-line/only-open.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { assertVotesOn, readVotes } from '../../requests/read-votes.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { agree } from '../../requests/agree.js';
import { handOver, handOverKept } from '../../requests/hand-over.js';
import { handOverSecret, SECRET_FORMS, type SecretForm } from '../../requests/hand-over-secret.js';
import { SIGN_ENDINGS } from '../../requests/sign-endings.js';
import { showRequest, warnAbout } from '../../requests/sign-request.js';
import { createProgress } from '../../terminal/progress.js';
import { plainText } from '../../terminal/plain-text.js';
import { assertOutput } from '../../terminal/watch-output.js';
import { assertWritable, outFile } from '../../terminal/write-out.js';

/** `ckm requests resume ID` */
export function requestsResumeCommand(): Command {
  return leaf('resume', 'go on with a request from wherever it is', SIGN_ENDINGS)
    .argument('[id]', 'the first digits of its id; not needed when only one is open')
    .option('--blind', 'sign also what cannot be described, where the key allows it; --yes alone never does')
    .option(
      '--accept-loss',
      'sign also what destroys value or costs more than it pays; --yes alone never does',
    )
    .option('--wait <time>', 'how long to wait for people: 30s, 2h (default: until the request expires)')
    .option('--votes <file...>', 'what people said of it, brought on paper: ckm approver approve --out FILE')
    .option(
      '--out <file>',
      'a new file for the answer; - is stdout (default: what was named with the request, else stdout)',
    )
    .action(run(resume));
}

interface Flags {
  readonly blind?: true;
  readonly acceptLoss?: true;
  readonly wait?: string;
  readonly votes?: readonly string[];
  readonly out?: string;
}

async function resume(context: Context, given: string | undefined, options: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const named = outFile(options.out);
  await assertWritable(named, flags);
  const votes = await readVotes(options.votes ?? []);
  const patience = options.wait === undefined ? {} : { waitSeconds: parseDuration('--wait', options.wait) };
  const found = await client.showRequest(given ?? onlyOpen('request', await idsOfOpen(client)));
  const out = options.out === undefined ? found.destination?.out : named;
  const isExtracted = found.destination?.isExtracted ?? false;
  if (out === undefined && flags.preview !== true) assertOutput();
  if (found.artefact !== null) return handOverSigned(context, found, { out, isExtracted });
  const { requestId, kind, keyName: key } = await client.showOpenRequest(encodeHex(found.requestId));
  await assertWritable(out, flags);
  // Who goes on with it may not be who began it, or not remember.
  assertVotesOn(votes, requestId);
  const asked = await client.prepareAgain(encodeHex(requestId), {
    ...patience,
    votes: votes.map(({ bytes }) => bytes),
  });
  const shown = showRequest(context, key, asked);
  const { description, refusal } = asked;
  if (flags.preview === true) {
    if (asked.refusal !== null) throw asked.refusal;
    const { asks, policy, needed } = asked;
    const preview = { preview: true, requestId, key, description, asks, policy, needed };
    terminal.result(
      `would go on with ${isSecretKind(kind) ? 'a secret of' : 'signing with'} ${key}`,
      preview,
    );
    return;
  }
  const isSecret = isSecretKind(kind);
  const question = isSecret ? 'Go on with asking for this secret?' : 'Go on with this signature?';
  await agree(context, {
    description,
    key,
    question,
    isBlindWanted: options.blind === true,
    isLossAccepted: options.acceptLoss === true,
    refusal,
    shown,
  });
  const progress = createProgress(terminal);
  await progress.during(asked.sign(progress.on, progress), async (result) => {
    warnAbout(context, terminal, result);
    warnOfClock(context, client);
    if (isSecret) return handOverSecret(terminal, { format: formOf(found), result, out });
    await handOver(terminal, { key, kind, result, out, isExtracted, request: shortId(requestId) });
  });
}

function isSecretKind(kind: string): boolean {
  return requestKind(kind).resultIsSecret === true;
}

/** As it was asked for. */
function formOf({ destination }: RequestRecord): SecretForm {
  return SECRET_FORMS.find((form) => form === destination?.form) ?? 'hex';
}

/** It was signed while its owner left: nothing is asked of anybody any more. */
async function handOverSigned(
  { terminal, flags }: Context,
  request: RequestRecord,
  { out, isExtracted }: { readonly out: string | undefined; readonly isExtracted: boolean },
): Promise<void> {
  terminal.talk(`  it is signed already: ${plainText(request.sentence)}`);
  await assertWritable(out, flags);
  if (flags.preview === true) {
    terminal.result('would hand its signature over', { preview: true, requestId: request.requestId });
    return;
  }
  await handOverKept(terminal, request, { out, isExtracted, isPrinted: out === undefined });
  if (out !== undefined) terminal.talk(`  written to ${plainText(out)}`);
}

async function idsOfOpen(client: Client): Promise<Uint8Array[]> {
  const all = await client.listRequests();
  return all.filter(({ state }) => state === 'open').map(({ requestId }) => requestId);
}
