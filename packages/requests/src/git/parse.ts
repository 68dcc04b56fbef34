import { decodeUtf8 } from '@ckm/foundation';
import { demand, refusal } from '../errors.js';
import { readPayload } from '../wire/payload.js';
import {
  parseObjectId,
  parsePerson,
  splitGitObject,
  type GitHeader,
  type GitPerson,
  type GitText,
} from './object.js';

/** A commit that is not signed yet. */
export interface GitCommit {
  readonly type: 'commit';
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: GitPerson;
  readonly committer: GitPerson;
  /** Names of headers git itself does not need (`mergetag`, `change-id` …). */
  readonly otherHeaders: readonly string[];
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
  readonly message: string;
  readonly object: Uint8Array;
}

export type GitRequest = GitCommit | GitTag;

export const GIT_MAX_BYTES = 1_048_576;
const MAX_PARENTS = 64;
const ONCE = new Set(['tree', 'parent', 'author', 'committer', 'object', 'type', 'tag', 'tagger']);
/** Lines at which git believes that the signature of a tag begins. Source: git gpg-interface.c */
const SIGNATURE_STARTS = /^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----/m;

const malformed = (message: string) => refusal('GIT_OBJECT_MALFORMED', message);

/** The header that has to come next. */
function take(headers: GitHeader[], name: string): string {
  const header = headers.shift();
  if (header?.name !== name || header.value.includes('\n'))
    throw malformed(`the git object lacks a proper ${name}`);
  return header.value;
}

function parseCommit({ headers, message }: GitText, object: Uint8Array): GitCommit {
  const left = [...headers];
  const tree = parseObjectId(take(left, 'tree'));
  const parents: string[] = [];
  while (left[0]?.name === 'parent') parents.push(parseObjectId(take(left, 'parent')));
  demand(parents.length <= MAX_PARENTS, 'GIT_OBJECT_MALFORMED', 'the commit has too many parents');
  const author = parsePerson(take(left, 'author'));
  const committer = parsePerson(take(left, 'committer'));
  for (const { name, value } of left) assertOtherHeader(name, value);
  const otherHeaders = left.map(({ name }) => name);
  demand(
    otherHeaders.filter((name) => name === 'encoding').length <= 1,
    'GIT_OBJECT_MALFORMED',
    'the commit has two encodings',
  );
  return {
    type: 'commit',
    tree,
    parents,
    author,
    committer,
    otherHeaders,
    message: messageText(message),
    object,
  };
}

function assertOtherHeader(name: string, value: string): void {
  demand(!name.startsWith('gpgsig'), 'GIT_ALREADY_SIGNED', 'the commit already holds a signature');
  demand(!ONCE.has(name), 'GIT_OBJECT_MALFORMED', `the commit has a ${name} where none belongs`);
  demand(
    name !== 'encoding' || /^utf-?8$/i.test(value),
    'GIT_ENCODING_UNSUPPORTED',
    'the commit is not written in UTF-8',
  );
}

function parseTag({ headers, message }: GitText, object: Uint8Array): GitTag {
  const left = [...headers];
  const id = parseObjectId(take(left, 'object'));
  const type = take(left, 'type');
  if (type !== 'commit' && type !== 'tree' && type !== 'blob' && type !== 'tag') {
    throw malformed('the tag is on an unknown type of object');
  }
  const name = take(left, 'tag');
  const tagger = parsePerson(take(left, 'tagger'));
  demand(left.length === 0, 'GIT_OBJECT_MALFORMED', 'the tag has headers that no tag has');
  const text = messageText(message);
  demand(!SIGNATURE_STARTS.test(text), 'GIT_ALREADY_SIGNED', 'the tag already holds a signature');
  demand(object.at(-1) === 0x0a, 'GIT_TAG_UNTERMINATED', 'the tag does not end with a newline');
  return { type: 'tag', target: { type, id }, name, tagger, message: text, object };
}

function messageText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw refusal('GIT_ENCODING_UNSUPPORTED', 'the message of the git object is not UTF-8');
  }
}

/** @throws EncodingError for an object that is no commit or tag, or is signed already. */
export function parseGitObject(object: Uint8Array): GitRequest {
  const text = splitGitObject(object);
  const first = text.headers[0]?.name;
  if (first === 'tree') return parseCommit(text, object);
  if (first === 'object') return parseTag(text, object);
  throw malformed('the git object is neither a commit nor a tag');
}

/**
 * Payload: version 1, then the object without git's own `commit 123\0` in front.
 * @throws EncodingError
 */
export function parseGit(payload: Uint8Array): GitRequest {
  const reader = readPayload(payload, GIT_MAX_BYTES);
  return parseGitObject(reader.bytes(payload.length - 1));
}
