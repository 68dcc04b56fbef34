import { UsageError } from '@ckm/foundation';
import type { SshsigHash } from '@ckm/requests';

/** What programs ask of their SSH signing program. */
export interface SigningCall {
  readonly keyFile: string;
  readonly namespace: string;
  readonly hash: SshsigHash;
  /**
   * What is to be signed: the signature of a file goes to the same name with `.sig` behind, that of `-`, which is stdin, to
   * stdout. At least one.
   */
  readonly files: readonly string[];
}

/**
 * The call `-Y sign -n NAMESPACE -f KEY [-U] [-O hashalg=HASH] [FILE…]`, or `null` when `-Y` asks for something else. Without
 * `-Y` nobody calls, and `ssh-keygen` would make keys or change files.
 * Source: git gpg-interface.c (`sign_buffer_ssh`), ssh-keygen(1).
 * @throws UsageError `SIGNING_CALL_INVALID`
 */
export function parseSigningCall(args: readonly string[]): SigningCall | null {
  const { values, files } = split(args);
  if (!values.has('Y')) throw invalid('this is no call of git’s: -Y is missing');
  if (values.get('Y') !== 'sign') return null;
  const [keyFile, namespace] = [values.get('f'), values.get('n')];
  if (keyFile === undefined || namespace === undefined)
    throw invalid('a key and a namespace are needed to sign');
  if (files.filter((file) => file === STDIN).length > 1) throw invalid('stdin can be signed only once');
  const hash = hashOf(values.get('O'), namespace);
  return { keyFile, namespace, hash, files: files.length === 0 ? [STDIN] : files };
}

export const STDIN = '-';

/** What `-O` says; git itself knows one hash. */
function hashOf(option: string | undefined, namespace: string): SshsigHash {
  if (option === undefined || option === 'hashalg=sha512') return 'sha512';
  if (option === 'hashalg=sha256' && namespace !== 'git') return 'sha256';
  throw invalid(`the option -O ${option} is not known`);
}

/** `-U` says that the private key is with an agent; ours is with servers anyway. */
const WITH_VALUE = /^-([YnfO])(.*)$/s;

function split(args: readonly string[]): { values: Map<string, string>; files: string[] } {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const values = new Map<string, string>();
  const files = args.slice(end + 1);
  for (let at = 0; at < end; at++) {
    const word = args[at]!;
    const [, letter, attached] = WITH_VALUE.exec(word) ?? [];
    if (letter !== undefined) values.set(letter, attached === '' ? (args[++at] ?? '') : attached!);
    else if (!word.startsWith('-') || word === STDIN) files.push(word);
    else if (values.get('Y') === 'sign' && word !== '-U') throw invalid(`the option ${word} is not known`);
  }
  return { values, files };
}

function invalid(what: string): UsageError {
  return new UsageError(what, {
    code: 'SIGNING_CALL_INVALID',
    hint: 'call it as git does: ckm git-sign -Y sign -n git -f KEYFILE FILE   (or without FILE: stdin)',
  });
}
