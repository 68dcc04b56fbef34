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
 * The call `-Y sign -n NAMESPACE -f KEY [-U] [-q] [-v] [-O hashalg=HASH] [FILE…]`, or `null` when `-Y` asks for something else.
 * Without `-Y` nobody calls, and `ssh-keygen` would make keys or change files.
 * Source: git gpg-interface.c (`sign_buffer_ssh`), ssh-keygen(1).
 * @throws UsageError `SIGNING_CALL_INVALID`
 */
export function parseSigningCall(args: readonly string[]): SigningCall | null {
  const { options, files } = readWords(args);
  const valueOf = (letter: string) => options.findLast((option) => option.letter === letter)?.value;
  if (valueOf('Y') === undefined) throw invalid('this is no call of git’s: -Y is missing');
  if (valueOf('Y') !== 'sign') return null;
  for (const option of options) assertForSigning(option, options);
  const stray = files.words.find((word) => word.startsWith('-') && word !== STDIN);
  if (stray !== undefined && !files.areMarked)
    throw invalid(`${stray} stands behind a file: options go in front`);
  const [keyFile, namespace] = [valueOf('f'), valueOf('n')];
  if (keyFile === undefined || namespace === undefined)
    throw invalid('a key and a namespace are needed to sign');
  const wanted = [...new Set(files.words)];
  if (wanted.length < files.words.length) throw invalid('the same is to be signed twice');
  const hash = hashOf(valueOf('O'), namespace);
  return { keyFile, namespace, hash, files: wanted.length === 0 ? [STDIN] : wanted };
}

export const STDIN = '-';

/** What `-O` says; git itself knows one hash. */
function hashOf(option: string | undefined, namespace: string): SshsigHash {
  if (option === undefined || option === 'hashalg=sha512') return 'sha512';
  if (option === 'hashalg=sha256' && namespace !== 'git') return 'sha256';
  throw invalid(`the option -O ${option} is not known`);
}

/** Letters of options of ssh-keygen that take a value. Source: OpenSSH ssh-keygen.c (`main`, getopt). */
const WITH_VALUE = 'CDEFIMNOPRVYZabfmnrstwz';
/** Those that may stand in a call to sign. `-U`: the private key is with an agent; ours is with servers anyway. */
const FOR_SIGNING = 'YnfOUqv';

interface CallOption {
  readonly letter: string;
  /** Empty where the option takes none. */
  readonly value: string;
}

interface CallWords {
  readonly options: readonly CallOption[];
  /** `areMarked`: they stand behind `--`, so that they may begin with `-`. */
  readonly files: { readonly words: readonly string[]; readonly areMarked: boolean };
}

/** As getopt(3) reads them: one letter each, several in one word, a value in the same word or the next; no option behind a file. */
function readWords(args: readonly string[]): CallWords {
  const options: CallOption[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--') return { options, files: { words: args.slice(at + 1), areMarked: true } };
    if (!word.startsWith('-') || word === STDIN)
      return { options, files: { words: args.slice(at), areMarked: false } };
    if (word.startsWith('--')) throw invalid(`the option ${word} is not known`);
    const letters = word.slice(1);
    const taking = Array.from(letters).findIndex((letter) => WITH_VALUE.includes(letter));
    const bare = taking < 0 ? letters : letters.slice(0, taking);
    options.push(...Array.from(bare, (letter) => ({ letter, value: '' })));
    if (taking < 0) continue;
    const attached = letters.slice(taking + 1);
    const value = attached === '' ? args[++at] : attached;
    if (value === undefined) throw invalid(`the option -${letters[taking]} lacks its value`);
    options.push({ letter: letters[taking]!, value });
  }
  return { options, files: { words: [], areMarked: false } };
}

function assertForSigning({ letter }: CallOption, options: readonly CallOption[]): void {
  if (!FOR_SIGNING.includes(letter)) throw invalid(`the option -${letter} is none to sign with`);
  const isRepeated = options.filter((option) => option.letter === letter).length > 1;
  if (isRepeated && WITH_VALUE.includes(letter)) throw invalid(`the option -${letter} is there twice`);
}

function invalid(what: string): UsageError {
  return new UsageError(what, {
    code: 'SIGNING_CALL_INVALID',
    hint: 'call it as git does: ckm git-sign -Y sign -n git -f KEYFILE FILE   (or without FILE: stdin)',
  });
}
