import { type RequestRecord, shortId, type SignResult } from '@ckm/client';
import { encodeHex, encodeUtf8, StateError } from '@ckm/foundation';
import { refusalOfOpen, transactionIn, type TransactionState, transactionState } from '@ckm/requests';
import type { Terminal } from '../terminal/terminal.js';
import { writeArtefact } from '../terminal/write-out.js';
import { artefactText } from './artefact.js';

/** Where a signature goes. */
export interface SignatureDelivery {
  /** What its owner calls the key. */
  readonly key: string;
  /** A request kind. */
  readonly kind: string;
  readonly result: SignResult;
  /** A new file instead of stdout. */
  readonly out: string | undefined;
  /** Whether the final transaction is wanted in the place of the PSBT. */
  readonly isExtracted: boolean;
  /** What people call the request that keeps the signature; undefined when none does. */
  readonly request: string | undefined;
}

/**
 * Gives what was signed to whoever asked for it, and does not end before it is written.
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`, `OUTPUT_CLOSED`, `OUTPUT_UNWRITABLE`; their hints
 * say how to get it all the same
 */
export async function handOver(
  terminal: Terminal,
  { key, kind, result, out, isExtracted, request }: SignatureDelivery,
): Promise<void> {
  const { artefact, signatures, description, details, signers, faulty, silent, attempts } = result;
  const regain = howToRegain(request);
  const shown = artefactText(kind, artefact);
  const state = kind === 'bitcoin' ? transactionState(artefact) : null;
  const wanted = isExtracted ? (state?.final?.hex ?? shown.text) : shown.text;
  if (out !== undefined) await writeArtefact(out, isExtracted ? encodeUtf8(`${wanted}\n`) : artefact, regain);
  const where = out === undefined ? '' : `; written to ${out}`;
  terminal.talk(`  signed by ${signers.join(', ')}${where}`);
  if (state !== null) terminal.talk(transactionLine(key, state, isExtracted, out));
  const machine = {
    kind,
    sentence: description.sentence,
    details,
    signers,
    faulty,
    silent,
    attempts,
    signatures: signatures.map(encodeHex),
    artefact: shown.text,
    ...shown.more,
    out: out ?? null,
  };
  await terminal.deliver(out === undefined ? wanted : '', machine, regain);
}

/**
 * Gives the signature that a request on record has given already.
 * @param isPrinted whether it goes to stdout
 * @throws StateError `REQUEST_UNFINISHED`; as {@link handOver}
 */
export async function handOverKept(
  terminal: Terminal,
  { requestId, kind, state, artefact }: RequestRecord,
  { out, isExtracted, isPrinted }: { out: string | undefined; isExtracted: boolean; isPrinted: boolean },
): Promise<void> {
  if (artefact === null) throw unfinished(shortId(requestId), state);
  const shown = artefactText(kind, artefact);
  const final = isExtracted && kind === 'bitcoin' ? transactionIn(artefact) : null;
  const wanted = final?.hex ?? shown.text;
  if (out !== undefined) await writeArtefact(out, final === null ? artefact : encodeUtf8(`${wanted}\n`));
  const object = { id: shortId(requestId), artefact: shown.text, ...shown.more, out: out ?? null };
  terminal.result(isPrinted ? wanted : '', object);
}

function unfinished(id: string, state: string): StateError {
  return new StateError(`request ${id} keeps no signature: it is ${state}`, {
    code: 'REQUEST_UNFINISHED',
    hint: state === 'open' ? `go on with: ckm requests resume ${id}` : 'sign again',
    retryable: false,
  });
}

function transactionLine(
  key: string,
  { final, open }: TransactionState,
  isExtracted: boolean,
  out: string | undefined,
): string {
  const left = refusalOfOpen(open);
  if (final === null) {
    return left === null || left.code === 'PSBT_NOT_SIGNED'
      ? '  others have to sign this PSBT too before there is a transaction'
      : `  there is no transaction yet: ${left.message}`;
  }
  const { txid, virtualBytes } = final;
  if (isExtracted) return `  transaction ${txid}, ${virtualBytes} vB, ready to be sent`;
  return `  complete: transaction ${txid}; get it with: ckm sign ${key} --psbt ${out ?? 'SIGNED'} --extract`;
}

function howToRegain(request: string | undefined): string {
  if (request === undefined)
    return 'the signature was made but not kept: sign again, and name a file with --out';
  return `the signature is kept; get it with: ckm requests show ${request} --out FILE`;
}
