import { demand, refusal } from '../errors.js';
import { readPayload } from '../wire/payload.js';
import { latin1Bytes, readNamedTexts, readTexts, type GitEncoding } from './encoding.js';
import {
  parseObjectId,
  parsePerson,
  splitGitObject,
  takeHeader,
  type GitPerson,
  type GitText,
} from './object.js';
import { parsePush, type GitPush } from './push.js';

/** A commit that is not signed yet. */
export interface GitCommit {
  readonly type: 'commit';
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: GitPerson;
  readonly committer: GitPerson;
  /** Names of headers git itself does not need (`mergetag`, `change-id` …). */
  readonly otherHeaders: readonly string[];
  readonly encoding: GitEncoding;
  readonly message: string;
  /** The object as git wrote it: the bytes that are hashed and signed. */
  readonly object: Uint8Array;
}

/** An annotated tag that is not signed yet. */
export interface GitTag {
  readonly type: 'tag';
  readonly target: { readonly type: 'commit' | 'tree' | 'blob' | 'tag'; readonly id: string };
  readonly name: string;
  readonly tagger: GitPerson;
  readonly encoding: GitEncoding;
  readonly message: string;
  readonly object: Uint8Array;
}

export type GitRequest = GitCommit | GitTag | GitPush;

export const GIT_MAX_BYTES = 1_048_576;
const MAX_PARENTS = 64;
const ONCE = new Set(['tree', 'parent', 'author', 'committer', 'object', 'type', 'tag', 'tagger']);
/** Lines at which git believes that the signature of a tag begins. Source: git gpg-interface.c */
const SIGNATURE_STARTS = /^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----/m;

const malformed = (message: string) => refusal('GIT_OBJECT_MALFORMED', message);

function parseCommit({ headers, message }: GitText, object: Uint8Array): GitCommit {
  const left = [...headers];
  const tree = parseObjectId(takeHeader(left, 'tree'));
  const parents: string[] = [];
  while (left[0]?.name === 'parent') parents.push(parseObjectId(takeHeader(left, 'parent')));
  demand(parents.length <= MAX_PARENTS, 'GIT_OBJECT_MALFORMED', 'the commit has too many parents');
  const author = parsePerson(takeHeader(left, 'author'));
  const committer = parsePerson(takeHeader(left, 'committer'));
  for (const { name } of left) assertOtherHeader(name);
  const encodings = left.filter(({ name }) => name === 'encoding');
  demand(encodings.length <= 1, 'GIT_OBJECT_MALFORMED', 'the commit has two encodings');
  const people = [author.name, author.mail, committer.name, committer.mail].map(latin1Bytes);
  const parts = [message, ...people];
  const [named] = encodings;
  const headersOnly = object.subarray(0, object.length - message.length);
  const { texts, encoding } =
    named === undefined ? readTexts(parts) : readNamedTexts(named.value, parts, headersOnly);
  return {
    type: 'commit',
    tree,
    parents,
    author: { ...author, name: texts[1]!, mail: texts[2]! },
    committer: { ...committer, name: texts[3]!, mail: texts[4]! },
    otherHeaders: left.map(({ name }) => name).filter((name) => name !== 'encoding'),
    encoding,
    message: texts[0]!,
    object,
  };
}

function assertOtherHeader(name: string): void {
  demand(!name.startsWith('gpgsig'), 'GIT_ALREADY_SIGNED', 'the commit already holds a signature');
  demand(!ONCE.has(name), 'GIT_OBJECT_MALFORMED', `the commit has a ${name} where none belongs`);
}

function parseTag({ headers, message }: GitText, object: Uint8Array): GitTag {
  const left = [...headers];
  const id = parseObjectId(takeHeader(left, 'object'));
  const type = takeHeader(left, 'type');
  if (type !== 'commit' && type !== 'tree' && type !== 'blob' && type !== 'tag') {
    throw malformed('the tag is on an unknown type of object');
  }
  const name = takeHeader(left, 'tag');
  const tagger = parsePerson(takeHeader(left, 'tagger'));
  demand(left.length === 0, 'GIT_OBJECT_MALFORMED', 'the tag has headers that no tag has');
  demand(object.at(-1) === 0x0a, 'GIT_TAG_UNTERMINATED', 'the tag does not end with a newline');
  const shown = [name, tagger.name, tagger.mail].map(latin1Bytes);
  const { texts, encoding } = readTexts([message, ...shown]);
  demand(!SIGNATURE_STARTS.test(texts[0]!), 'GIT_ALREADY_SIGNED', 'the tag already holds a signature');
  return {
    type: 'tag',
    target: { type, id },
    name: texts[1]!,
    tagger: { ...tagger, name: texts[2]!, mail: texts[3]! },
    encoding,
    message: texts[0]!,
    object,
  };
}

/** @throws EncodingError for an object that is no commit, tag or push certificate, or is signed already. */
export function parseGitObject(object: Uint8Array): GitRequest {
  const text = splitGitObject(object);
  const first = text.headers[0]?.name;
  if (first === 'tree') return parseCommit(text, object);
  if (first === 'object') return parseTag(text, object);
  if (first === 'certificate') return parsePush(text, object);
  throw malformed('the git object is neither a commit nor a tag nor a push certificate');
}

/**
 * Payload: version 1, then the object without git's own `commit 123\0` in front.
 * @throws EncodingError
 */
export function parseGit(payload: Uint8Array): GitRequest {
  const reader = readPayload(payload, GIT_MAX_BYTES);
  return parseGitObject(reader.bytes(payload.length - 1));
}
