import type { SignResult } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Terminal } from '../terminal/terminal.js';
import { writeOut } from '../terminal/write-out.js';
import { artefactText } from './artefact.js';

/** Where a signature goes. */
export interface Handing {
  /** A request kind. */
  readonly kind: string;
  readonly result: SignResult;
  /** A new file instead of stdout. */
  readonly out: string | undefined;
  /** What people call the session that keeps the signature; undefined when none does. */
  readonly session: string | undefined;
}

/**
 * Gives what was signed to whoever asked for it, and does not end before it is written.
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`, `OUTPUT_CLOSED`, `OUTPUT_UNWRITABLE`; their hints
 * say how to get it all the same
 */
export async function handOver(terminal: Terminal, { kind, result, out, session }: Handing): Promise<void> {
  const { artefact, signatures, description, signers, faulty, silent, attempts } = result;
  const regain = howToRegain(session);
  if (out !== undefined) await writeOut(out, artefact, regain);
  const shown = artefactText(kind, artefact);
  terminal.talk(`  signed by ${signers.join(', ')}`);
  const machine = {
    kind,
    sentence: description.sentence,
    signers,
    faulty,
    silent,
    attempts,
    signatures: signatures.map(encodeHex),
    artefact: shown.text,
    ...shown.more,
    out: out ?? null,
  };
  await terminal.deliver(out === undefined ? shown.text : '', machine, regain);
}

function howToRegain(session: string | undefined): string {
  if (session === undefined)
    return 'the signature was made but not kept: sign again, and name a file with --out';
  return `the signature is kept; get it with: ckm sessions show ${session} --out FILE`;
}
