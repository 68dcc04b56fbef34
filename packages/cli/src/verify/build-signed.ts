import { EncodingError, encodeUtf8, UsageError } from '@ckm/foundation';
import { buildGitRequest, buildSshSigRequest, requestKind, splitGitSignature } from '@ckm/requests';
import { fileNameOf } from '../requests/file-name.js';
import { readInput } from '../terminal/read-input.js';

/** What `ckm verify` is told about what was signed. */
export interface VerifyFlags {
  readonly message?: string;
  readonly git?: true;
  readonly psbt?: true;
  readonly sshNamespace?: string;
  readonly domain?: string;
  readonly raw?: true;
}

/** Nothing longer than this is read. */
const MOST_BYTES = 1_048_576;

/** A signature with the request it should be the answer to. */
export interface Signed {
  readonly kind: 'message' | 'bitcoin' | 'git' | 'ssh';
  readonly payload: Uint8Array;
  readonly artefact: Uint8Array;
  /** What else it may have been asked for, for a hint: the same message with a domain, or without. */
  readonly other: Uint8Array | null;
  /** What its owner calls the file that was signed; absent: nothing, or it is no message. */
  readonly fileName?: string | undefined;
}

/**
 * Reads a signature and what should be signed.
 * @throws UsageError `SUBJECT_AMBIGUOUS`, `SUBJECT_MISSING`, `OPTION_INVALID`; StorageError `FILE_UNREADABLE`; EncodingError
 * `SIGNATURE_UNREADABLE` and of the kind
 */
export async function buildSigned(
  signature: string,
  file: string | undefined,
  flags: VerifyFlags,
): Promise<Signed> {
  const { message, git, psbt, sshNamespace } = flags;
  const bytes = await readInput(signature, 4 * MOST_BYTES);
  if (git === true || psbt === true) {
    if (file !== undefined || message !== undefined) throw ambiguous();
    return git === true ? signedObject(bytes) : signedPayment(bytes);
  }
  if (file !== undefined && message !== undefined) throw ambiguous();
  if (file === undefined && message === undefined) throw missing();
  const content = message === undefined ? await readInput(file!, MOST_BYTES) : encodeUtf8(message);
  if (sshNamespace !== undefined) {
    const payload = buildSshSigRequest({ namespace: sshNamespace, message: content });
    return { kind: 'ssh', payload, artefact: bytes, other: null };
  }
  return { ...signedMessage(bytes, content, flags), fileName: fileNameOf(file) };
}

function signedMessage(signature: Uint8Array, bytes: Uint8Array, { domain, raw }: VerifyFlags): Signed {
  const named = domain === undefined ? [] : [['domain', domain] as const];
  const build = (isRaw: boolean) =>
    requestKind('message').form.build(bytes, new Map<string, string>(isRaw ? [['raw', '']] : named));
  return {
    kind: 'message',
    payload: build(raw === true),
    artefact: rawSignature(signature),
    other: otherOf(() => build(raw !== true)),
  };
}

/** Bytes that look like another protocol are never signed without a domain: then there is no other request. */
function otherOf(build: () => Uint8Array): Uint8Array | null {
  try {
    return build();
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function signedObject(signed: Uint8Array): Signed {
  const parts = splitGitSignature(signed);
  if (parts === null) throw unreadable('there is no SSH signature in this commit, tag or push certificate');
  return { kind: 'git', payload: buildGitRequest(parts.object), artefact: parts.armored, other: null };
}

function signedPayment(bytes: Uint8Array): Signed {
  const payload = requestKind('bitcoin').form.build(bytes, new Map());
  return { kind: 'bitcoin', payload, artefact: payload, other: null };
}

/** 64 or 65 bytes as they are, or in hex as `ckm sign` prints them. */
function rawSignature(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (/^(?:[0-9a-f]{2}){32,80}$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  if (bytes.length >= 32 && bytes.length <= 80) return bytes;
  throw unreadable('this is no signature of a message: neither its bytes nor hex');
}

function unreadable(what: string): EncodingError {
  return new EncodingError(what, {
    code: 'SIGNATURE_UNREADABLE',
    hint: 'name the file that ckm sign --out wrote, or what it printed',
  });
}

function ambiguous(): UsageError {
  return new UsageError('more than one thing is named that could have been signed', {
    code: 'SUBJECT_AMBIGUOUS',
    hint: 'name one of: a file, --message, --git, --psbt',
  });
}

function missing(): UsageError {
  return new UsageError('what should have been signed is not named', {
    code: 'SUBJECT_MISSING',
    hint: 'name the file, or use --message, --git or --psbt',
  });
}
