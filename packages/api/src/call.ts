import { type CkmError, EncodingError } from '@ckm/foundation';
import { decodeData, DEFAULT_LIMITS, encodeData, type Data } from '@ckm/gordian';
import type { z } from 'zod';
import { FUNCTIONS, type FunctionName, type Parameters, type Problem, type Result } from './functions.js';
import { fromProblem } from './problem.js';

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

/** The body of a request message. */
export function encodeCall<F extends FunctionName>(_function: F, parameters: Parameters<F>): Uint8Array {
  return encodeData(parameters);
}

/**
 * The parameters of a call, checked field by field.
 * @param maxBytes of the body; a request is as long as its payload and what goes with it
 * @throws EncodingError `PARAMETERS_INVALID` naming the first field that is wrong; `CBOR_…` when it cannot be read at all.
 */
export function parseCall<F extends FunctionName>(
  name: F,
  body: Uint8Array,
  maxBytes: number = DEFAULT_LIMITS.maxBytes,
): Parameters<F> {
  const data = decodeData(body, { ...DEFAULT_LIMITS, maxBytes });
  return checked(FUNCTIONS[name].parameters, data, name, 'PARAMETERS_INVALID') as Parameters<F>;
}

export type Reply<F extends FunctionName> =
  { readonly ok: true; readonly result: Result<F> } | { readonly ok: false; readonly problem: Problem };

/** The body of a reply message. */
export function encodeReply<F extends FunctionName>(reply: Reply<F>): Uint8Array {
  return encodeData(reply);
}

/**
 * The result inside a reply.
 * @throws CkmError the server's own error, rebuilt; EncodingError `RESULT_INVALID` when the reply is not of its form.
 */
export function parseReply<F extends FunctionName>(name: F, body: Uint8Array): Result<F> {
  const reply = decodeData(body);
  if (typeof reply !== 'object' || reply === null || reply instanceof Uint8Array || Array.isArray(reply)) {
    throw invalid(name, 'RESULT_INVALID', 'the reply is not a map');
  }
  const fields = reply as { readonly [key: string]: Data };
  if (fields['ok'] === false) throw fromProblem(fields['problem']);
  if (fields['ok'] !== true) throw invalid(name, 'RESULT_INVALID', 'the reply says neither yes nor no');
  return checked(FUNCTIONS[name].result, fields['result'], name, 'RESULT_INVALID') as Result<F>;
}

function checked(schema: z.ZodType, value: unknown, name: string, code: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field =
    issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.map(String).join('.');
  throw invalid(name, code, `${field}: ${issue?.message ?? 'not of its form'}`);
}

function invalid(name: string, code: string, what: string): CkmError {
  return new EncodingError(`${name}: ${what}`.slice(0, 300), {
    code,
    hint: 'compare the versions of client and server, and the field named',
  });
}
