import { demand } from '../errors.js';
import { latin1Bytes, readTexts, readLatin1, type GitEncoding } from './encoding.js';
import { parseObjectId, takeHeader, type GitText } from './object.js';

/** A push certificate that is not signed yet: what `git push --signed` tells the receiving side. */
export interface GitPush {
  readonly type: 'push';
  readonly pusher: GitPusher;
  /** Where it goes, as git names it; null: it does not say. */
  readonly pushee: string | null;
  /** What the receiving side gave out, so that nobody can use the certificate again; null: nothing. */
  readonly nonce: string | null;
  /** What `git push --push-option` said. */
  readonly options: readonly string[];
  readonly updates: readonly RefUpdate[];
  readonly encoding: GitEncoding;
  /** The certificate as git wrote it: the bytes that are hashed and signed. */
  readonly object: Uint8Array;
}

export interface GitPusher {
  /** With an SSH key its fingerprint, else what names the key or a person. */
  readonly name: string;
  readonly unixSeconds: number;
  /** As git writes it: `+0200`. */
  readonly zone: string;
}

/** What becomes of one branch or tag there. */
export interface RefUpdate {
  readonly ref: string;
  /** {@link isNoObject}: it is new. */
  readonly from: string;
  /** {@link isNoObject}: it is deleted. */
  readonly to: string;
}

/** Whether an object id is the one that stands for none. */
export function isNoObject(id: string): boolean {
  return /^0+$/.test(id);
}

const MAX_UPDATES = 1000;
const MAX_OPTIONS = 64;
/** git leaves two blanks behind the fingerprint of an SSH key. */
const PUSHER = /^(.{1,512}?) {1,2}(0|[1-9]\d{0,11}) ([+-]\d{4})$/s;
/** The nonce of git itself is a time and a digest. */
const NONCE = /^[\x21-\x7e]{1,256}$/;
/** What git-check-ref-format forbids cannot stand between spaces or hide. */
const UPDATE = /^([0-9a-f]+) ([0-9a-f]+) (refs\/[^\x00-\x20\x7f~^:?*[\\]+)$/;

/**
 * A push certificate. Source: git send-pack.c (`generate_push_cert`), gitprotocol-pack(5).
 * @throws EncodingError `GIT_OBJECT_MALFORMED`, `GIT_PUSH_TOO_LARGE`
 */
export function parsePush({ headers, message }: GitText, object: Uint8Array): GitPush {
  const left = [...headers];
  demand(
    takeHeader(left, 'certificate') === 'version 0.1',
    'GIT_OBJECT_MALFORMED',
    'the push certificate is of an unknown version',
  );
  const [, name, seconds, zone] = PUSHER.exec(takeHeader(left, 'pusher')) ?? [];
  demand(
    name !== undefined && seconds !== undefined && zone !== undefined,
    'GIT_OBJECT_MALFORMED',
    'the push certificate does not say who pushes, and when',
  );
  const pushee = left[0]?.name === 'pushee' ? takeHeader(left, 'pushee') : null;
  const nonce = left[0]?.name === 'nonce' ? takeHeader(left, 'nonce') : null;
  demand(
    nonce === null || NONCE.test(nonce),
    'GIT_OBJECT_MALFORMED',
    'the push certificate has no proper nonce',
  );
  const options: string[] = [];
  while (left[0]?.name === 'push-option') options.push(takeHeader(left, 'push-option'));
  demand(
    left.length === 0 && options.length <= MAX_OPTIONS,
    'GIT_OBJECT_MALFORMED',
    'the push certificate has lines that none has',
  );
  const updates = parseUpdates(message);
  const shown = [name, pushee ?? '', ...options, ...updates.map(({ ref }) => ref)];
  const { texts, encoding } = readTexts(shown.map(latin1Bytes));
  const refs = texts.slice(2 + options.length);
  return {
    type: 'push',
    pusher: { name: texts[0]!, unixSeconds: Number(seconds), zone },
    pushee: pushee === null ? null : texts[1]!,
    nonce,
    options: texts.slice(2, 2 + options.length),
    updates: updates.map((update, at) => ({ ...update, ref: refs[at]! })),
    encoding,
    object,
  };
}

/** Each ref once, its name one character for each byte. */
function parseUpdates(body: Uint8Array): readonly RefUpdate[] {
  const lines = readLatin1(body).split('\n');
  demand(
    lines.length > 1 && lines.pop() === '',
    'GIT_OBJECT_MALFORMED',
    'the push certificate does not say what changes',
  );
  demand(lines.length <= MAX_UPDATES, 'GIT_PUSH_TOO_LARGE', 'the push changes more refs than can be shown');
  const updates = lines.map(parseUpdate);
  demand(
    new Set(updates.map(({ ref }) => ref)).size === updates.length,
    'GIT_OBJECT_MALFORMED',
    'the push certificate changes one ref twice',
  );
  return updates;
}

function parseUpdate(line: string): RefUpdate {
  const [, old, next, ref] = UPDATE.exec(line) ?? [];
  demand(
    old !== undefined &&
      next !== undefined &&
      ref !== undefined &&
      old !== next &&
      old.length === next.length,
    'GIT_OBJECT_MALFORMED',
    'the push certificate has a line that changes no ref',
  );
  return { ref, from: parseObjectId(old), to: parseObjectId(next) };
}
