import { type FunctionName, isFunctionName, parseCall, parseReply } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { type Identity, openMessage } from '@ckm/gordian';
import type { ChaosServer } from './chaos-server.js';

/** One message and its answer, opened with everybody's keys: what nobody but the test can see. */
export interface Exchange {
  readonly server: ChaosServer;
  readonly owner: Identity;
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
  /** When the message came to the server, as the observer counts. */
  readonly askedAt: number;
}

/** What is in the two. */
export interface Opened {
  readonly name: FunctionName;
  readonly parameters: unknown;
  /** null: it was refused. */
  readonly result: unknown;
  readonly refusal: CkmError | null;
}

/** Null for what is not sealed, or not between these two. */
export function openExchange({ server, owner, request, reply }: Exchange): Opened | null {
  const identity = server.identity();
  const always = { maxAgeSeconds: Number.MAX_SAFE_INTEGER, maxSkewSeconds: Number.MAX_SAFE_INTEGER, now: 0 };
  let asked, answered;
  try {
    asked = openMessage({
      ...always,
      recipient: identity,
      bytes: request,
      resolveSender: () => owner.publicKeys,
    });
    answered = openMessage({
      ...always,
      recipient: owner,
      bytes: reply,
      accept: 'reply',
      resolveSender: () => identity.publicKeys,
    });
  } catch {
    return null;
  }
  const name = asked.function;
  if (!isFunctionName(name)) return null;
  const parameters: unknown = parseCall(name, asked.body);
  try {
    return { name, parameters, result: parseReply(name, answered.body), refusal: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { name, parameters, result: null, refusal: error };
  }
}
