import type { SeedSource } from '@ckm/client';
import { buildDeriveRequest, DERIVE, parseLabel } from '@ckm/requests';
import { resolve } from 'node:path';
import type { Context } from '../command-line/context.js';
import { parseDuration } from '../command-line/option-values.js';
import { openOwner } from '../owner/open-owner.js';
import { warnOfClock } from '../owner/warn-of-clock.js';
import { createProgress } from '../terminal/progress.js';
import { assertOutput } from '../terminal/watch-output.js';
import { assertWritable, outFile } from '../terminal/write-out.js';
import { agree } from './agree.js';
import { handOverSecret, type SecretForm } from './hand-over-secret.js';
import { showRequest, warnAbout } from './sign-request.js';

/** The flags of `ckm derive`. */
export interface DeriveFlags {
  readonly format: SecretForm;
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
    ...(out === undefined
      ? {}
      : { destination: { out: resolve(out), isExtracted: false, form: given.format } }),
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
    await handOverSecret(context.terminal, { format: given.format, result, out });
  });
}
