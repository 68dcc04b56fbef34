import type { SeedSource, SignResult } from '@ckm/client';
import { encodeUtf8 } from '@ckm/foundation';
import { buildDeriveRequest, DERIVE, parseLabel } from '@ckm/requests';
import type { Context } from '../command-line/context.js';
import { parseDuration } from '../command-line/option-values.js';
import { openOwner } from '../owner/open-owner.js';
import { warnOfClock } from '../owner/warn-of-clock.js';
import { createProgress } from '../terminal/progress.js';
import { assertOutput } from '../terminal/watch-output.js';
import { assertWritable, outFile, writeOut } from '../terminal/write-out.js';
import { agree } from './agree.js';
import { showRequest, warnAbout } from './sign-request.js';

/** The flags of `ckm derive`. */
export interface DeriveFlags {
  readonly format: 'hex' | 'base64';
  readonly without?: string;
  readonly wait?: string;
  readonly out?: string;
}

/** What `ckm derive` does. */
export async function deriveSecret(
  context: Context,
  { key, label, seed }: { readonly key: string; readonly label: string; readonly seed: SeedSource },
  given: DeriveFlags,
): Promise<void> {
  const { terminal, flags } = context;
  const payload = buildDeriveRequest(parseLabel(label));
  const client = await openOwner(context, seed);
  const out = outFile(given.out);
  if (out === undefined && flags.preview !== true) assertOutput();
  await assertWritable(out, flags);
  const asked = await client.prepare({
    key,
    kind: DERIVE,
    payload,
    ...(given.without === undefined ? {} : { without: given.without.split(',').map((one) => one.trim()) }),
    ...(given.wait === undefined ? {} : { waitSeconds: parseDuration('--wait', given.wait) }),
  });
  const shown = showRequest(context, key, asked);
  const { description, refusal, asks, policy, needed } = asked;
  if (flags.preview === true) {
    if (refusal !== null) throw refusal;
    terminal.result('nothing was sent', { preview: true, key, description, asks, policy, needed });
    return;
  }
  await agree(context, {
    description,
    key,
    question: 'Ask for this secret?',
    isBlindWanted: false,
    refusal,
    shown,
  });
  const progress = createProgress(terminal);
  await progress.during(asked.sign(progress.on, progress), async (result) => {
    warnAbout(context, terminal, result);
    warnOfClock(context, client);
    await handOverSecret(context, { label, format: given.format, result, out });
  });
}

const REGAIN = 'the secret is kept nowhere: ask for it again, it is the same';

async function handOverSecret(
  { terminal }: Context,
  {
    label,
    format,
    result,
    out,
  }: {
    readonly label: string;
    readonly format: DeriveFlags['format'];
    readonly result: SignResult;
    readonly out: string | undefined;
  },
): Promise<void> {
  const { artefact, signers, faulty, silent } = result;
  const text = Buffer.from(artefact).toString(format);
  artefact.fill(0);
  if (out !== undefined) await writeOut(out, encodeUtf8(`${text}\n`));
  terminal.talk(`  given by ${signers.join(', ')}${out === undefined ? '' : `; written to ${out}`}`);
  const machine = {
    label,
    format,
    signers,
    faulty,
    silent,
    secret: out === undefined ? text : null,
    out: out ?? null,
  };
  await terminal.deliver(out === undefined ? text : '', machine, REGAIN);
}
