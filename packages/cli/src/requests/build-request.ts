import { encodeUtf8, UsageError } from '@ckm/foundation';
import { buildBitcoinRequest, buildGitRequest, buildMessageRequest, buildSshSigRequest } from '@ckm/requests';
import { readInput } from '../terminal/read-input.js';

/** What `ckm sign` is asked to sign. */
export interface RequestFlags {
  readonly message?: string;
  readonly psbt?: string;
  readonly git?: string;
  readonly sshNamespace?: string;
  readonly domain?: string;
  readonly raw?: true;
  readonly extract?: true;
}

export interface BuiltRequest {
  readonly kind: 'message' | 'bitcoin' | 'git' | 'ssh';
  readonly payload: Uint8Array;
}

/** Nothing longer than this is read. */
const MOST_BYTES = 1_048_576;
const DEFAULT_DOMAIN = 'ckm';

/**
 * Reads what is to be signed and builds the request the servers will read.
 * @throws UsageError `SUBJECT_AMBIGUOUS`, `SUBJECT_MISSING`, `OPTION_INVALID`, `FILE_TOO_LARGE`; StorageError
 * `FILE_UNREADABLE`; EncodingError of the kind
 */
export async function buildRequest(file: string | undefined, flags: RequestFlags): Promise<BuiltRequest> {
  const { message, psbt, git, sshNamespace } = flags;
  const subjects = [file, message, psbt, git].filter((one) => one !== undefined);
  if (subjects.length === 0) throw missing();
  if (subjects.length > 1) throw ambiguous();
  assertFlagsFit(flags);
  if (psbt !== undefined)
    return {
      kind: 'bitcoin',
      payload: buildBitcoinRequest(binaryOrText(await readInput(psbt, 4 * MOST_BYTES))),
    };
  if (git !== undefined) return { kind: 'git', payload: buildGitRequest(await readInput(git, MOST_BYTES)) };
  const bytes = message === undefined ? await readInput(file!, MOST_BYTES) : encodeUtf8(message);
  if (sshNamespace !== undefined) {
    return { kind: 'ssh', payload: buildSshSigRequest({ namespace: sshNamespace, message: bytes }) };
  }
  const domain = flags.raw === true ? '' : (flags.domain ?? DEFAULT_DOMAIN);
  return { kind: 'message', payload: buildMessageRequest({ domain, bytes }) };
}

/** A PSBT starts with `psbt` and 0xff; anything else that is all ASCII is base64 or hex. */
function binaryOrText(bytes: Uint8Array): Uint8Array | string {
  return bytes.every((byte) => byte < 0x80) ? new TextDecoder().decode(bytes) : bytes;
}

function missing(): UsageError {
  return new UsageError('there is nothing to sign', {
    code: 'SUBJECT_MISSING',
    hint: 'name a file, or use --message, --psbt or --git',
  });
}

function ambiguous(): UsageError {
  return new UsageError('more than one thing to sign is named', {
    code: 'SUBJECT_AMBIGUOUS',
    hint: 'name one of: a file, --message, --psbt, --git',
  });
}

/** Flags that would do nothing are refused: somebody relies on them. @throws UsageError `OPTION_INVALID` */
function assertFlagsFit({ psbt, git, sshNamespace, domain, raw, extract }: RequestFlags): void {
  const file = psbt !== undefined ? '--psbt' : git !== undefined ? '--git' : undefined;
  const owner = file ?? (sshNamespace === undefined ? undefined : '--ssh-namespace');
  const forMessages = [
    ...(raw === true ? ['--raw'] : []),
    ...(domain === undefined ? [] : ['--domain']),
    ...(sshNamespace === undefined || file === undefined ? [] : ['--ssh-namespace']),
  ];
  const [idle] = owner === undefined ? [] : forMessages;
  if (idle !== undefined) throw doesNothing(`${idle} has no meaning with ${owner!}`);
  if (raw === true && domain !== undefined)
    throw doesNothing('--raw signs without a domain, and --domain names one');
  if (extract === true && psbt === undefined) throw doesNothing('--extract has no meaning without --psbt');
}

function doesNothing(what: string): UsageError {
  return new UsageError(what, { code: 'OPTION_INVALID', hint: 'leave one of them out' });
}
