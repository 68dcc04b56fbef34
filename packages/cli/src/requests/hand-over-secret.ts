import type { SignResult } from '@ckm/client';
import { encodeUtf8 } from '@ckm/foundation';
import type { Terminal } from '../terminal/terminal.js';
import { writeOut } from '../terminal/write-out.js';

/** How 32 secret bytes are written. */
export const SECRET_FORMS = ['hex', 'base64'] as const;

export type SecretForm = (typeof SECRET_FORMS)[number];

/** A secret on its way to whoever asked for it. */
export interface SecretDelivery {
  readonly format: SecretForm;
  readonly result: SignResult;
  /** A new file that is its owner's alone, instead of stdout. */
  readonly out: string | undefined;
}

const REGAIN = 'the secret is kept nowhere: ask for it again, it is the same';

/**
 * Writes a secret where it was asked for and nowhere else: beside a file not even programs are told it. It is overwritten here.
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`, `OUTPUT_CLOSED`, `OUTPUT_UNWRITABLE`
 */
export async function handOverSecret(
  terminal: Terminal,
  { format, result, out }: SecretDelivery,
): Promise<void> {
  const { artefact, description, signers, faulty, silent } = result;
  const text = Buffer.from(artefact).toString(format);
  artefact.fill(0);
  if (out !== undefined) await writeOut(out, encodeUtf8(`${text}\n`));
  terminal.talk(`  given by ${signers.join(', ')}${out === undefined ? '' : `; written to ${out}`}`);
  const machine = {
    sentence: description.sentence,
    format,
    signers,
    faulty,
    silent,
    secret: out === undefined ? text : null,
    out: out ?? null,
  };
  await terminal.deliver(out === undefined ? text : '', machine, REGAIN);
}
