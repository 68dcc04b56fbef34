import { UsageError } from '@ckm/foundation';

/** What git asks of its SSH signing program. */
export interface SigningCall {
  readonly keyFile: string;
  readonly namespace: string;
  /** What is to be signed; the signature goes to the same name with `.sig` behind. */
  readonly file: string;
}

/**
 * The call `-Y sign -n NAMESPACE -f KEY [-U] FILE`, or `null` when `-Y` asks for something else. Without `-Y` git calls
 * nothing, and `ssh-keygen` would make keys or change files.
 * Source: git gpg-interface.c (`sign_buffer_ssh`), ssh-keygen(1).
 * @throws UsageError `SIGNING_CALL_INVALID`
 */
export function parseSigningCall(args: readonly string[]): SigningCall | null {
  const { values, files } = split(args);
  if (!values.has('Y')) throw invalid('this is no call of git’s: -Y is missing');
  if (values.get('Y') !== 'sign') return null;
  const [keyFile, namespace, [file]] = [values.get('f'), values.get('n'), files];
  if (keyFile === undefined || namespace === undefined || file === undefined || files.length > 1) {
    throw invalid('a key, a namespace and one file are needed to sign');
  }
  if (values.has('O')) throw invalid(`the option -O ${values.get('O') ?? ''} is not known`);
  return { keyFile, namespace, file };
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
    else if (!word.startsWith('-')) files.push(word);
    else if (values.get('Y') === 'sign' && word !== '-U') throw invalid(`the option ${word} is not known`);
  }
  return { values, files };
}

function invalid(what: string): UsageError {
  return new UsageError(what, {
    code: 'SIGNING_CALL_INVALID',
    hint: 'call it as git does: ckm git-sign -Y sign -n git -f KEYFILE FILE',
  });
}
