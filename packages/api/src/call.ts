import { beginningOf, type CkmError, EncodingError } from '@ckm/foundation';
import { decodeData, DEFAULT_LIMITS, encodeData, type Data } from '@ckm/gordian';
import type { z } from 'zod';
import { FUNCTIONS, type FunctionName, type Parameters, type Problem, type Result } from './functions.js';
import { fromProblem } from './problem.js';
import { MAX_TERMS_ITEMS } from './terms/schema.js';

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

/** The version of the protocol that this package speaks: of functions, their parameters and results, and packets. */
export const PROTOCOL_VERSION = 1;
/** Every version it understands, ascending. */
export const PROTOCOL_VERSIONS: readonly number[] = [PROTOCOL_VERSION];

/**
 * Items that a call may hold, containers included: several times those of the longest list of signers, packets or commitments
 * in any of them. Reading two million numbers would keep whoever reads from everything else for seconds.
 */
const MAX_CALL_ITEMS = 1_024;
/** Calls that hold terms of a key: the rules of all its people. */
const CARRY_TERMS: ReadonlySet<FunctionName> = new Set(['session.propose', 'change.propose', 'key.restore']);

/** The body of a request message. */
export function encodeCall<F extends FunctionName>(_function: F, parameters: Parameters<F>): Uint8Array {
  return encodeData({ protocol: PROTOCOL_VERSION, parameters });
}

/**
 * The parameters of a call, checked field by field.
 * @param maxBytes of the body; a request is as long as its payload and what goes with it
 * @throws EncodingError `PROTOCOL_VERSION_UNKNOWN` before anything else is looked at; `PARAMETERS_INVALID` naming the first
 * field that is wrong; `CBOR_…` when it cannot be read at all.
 */
export function parseCall<F extends FunctionName>(
  name: F,
  body: Uint8Array,
  maxBytes: number = DEFAULT_LIMITS.maxBytes,
): Parameters<F> {
  const fields = fieldsOf(
    name,
    'PARAMETERS_INVALID',
    decodeCall(body, maxBytes, CARRY_TERMS.has(name) ? MAX_CALL_ITEMS + MAX_TERMS_ITEMS : MAX_CALL_ITEMS),
  );
  assertVersion(fields['protocol']);
  return checked(
    FUNCTIONS[name].parameters,
    fields['parameters'],
    name,
    'PARAMETERS_INVALID',
  ) as Parameters<F>;
}

/**
 * Checks the version of a call of whatever function.
 * @throws EncodingError `PROTOCOL_VERSION_UNKNOWN`, `PARAMETERS_INVALID`, `CBOR_…`
 */
export function assertProtocolVersion(body: Uint8Array, maxBytes: number): void {
  const data = decodeCall(body, maxBytes);
  assertVersion(fieldsOf('a call', 'PARAMETERS_INVALID', data)['protocol']);
}

function decodeCall(body: Uint8Array, maxBytes: number, maxItems: number = MAX_CALL_ITEMS): Data {
  return decodeData(body, { ...DEFAULT_LIMITS, maxBytes, maxItems });
}

export type Reply<F extends FunctionName> =
  { readonly ok: true; readonly result: Result<F> } | { readonly ok: false; readonly problem: Problem };

/** The body of a reply message. */
export function encodeReply<F extends FunctionName>(reply: Reply<F>): Uint8Array {
  return encodeData({ protocol: PROTOCOL_VERSION, ...reply });
}

/**
 * The result inside a reply. A refusal has the same form in every version, so that a server of any version can say which
 * ones it speaks.
 * @throws CkmError the server's own error, rebuilt; EncodingError `PROTOCOL_VERSION_UNKNOWN`, or `RESULT_INVALID` when the
 * reply is not of its form.
 */
export function parseReply<F extends FunctionName>(name: F, body: Uint8Array): Result<F> {
  const fields = fieldsOf(name, 'RESULT_INVALID', decodeData(body));
  if (fields['ok'] === false) throw fromProblem(fields['problem']);
  assertVersion(fields['protocol']);
  if (fields['ok'] !== true) throw invalid(name, 'RESULT_INVALID', 'the reply says neither yes nor no');
  return checked(FUNCTIONS[name].result, fields['result'], name, 'RESULT_INVALID') as Result<F>;
}

/** @throws EncodingError `code` when `data` is not a map */
function fieldsOf(name: string, code: string, data: Data): { readonly [key: string]: Data | undefined } {
  if (typeof data !== 'object' || data === null || data instanceof Uint8Array || Array.isArray(data)) {
    throw invalid(name, code, 'the body is not a map');
  }
  return data as { readonly [key: string]: Data | undefined };
}

/** @throws EncodingError `PROTOCOL_VERSION_UNKNOWN` naming the versions spoken here */
function assertVersion(protocol: Data | undefined): void {
  if (typeof protocol === 'number' && PROTOCOL_VERSIONS.includes(protocol)) return;
  const said = typeof protocol === 'number' ? protocol : 0;
  throw new EncodingError(
    `the message is in version ${said === 0 ? 'unknown' : said} of the protocol; spoken here: ${PROTOCOL_VERSIONS.join(', ')}`,
    {
      code: 'PROTOCOL_VERSION_UNKNOWN',
      hint: 'bring the older of the two sides up to date',
      facts: { protocol: said, speaks: [...PROTOCOL_VERSIONS] },
    },
  );
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
  return new EncodingError(beginningOf(`${name}: ${what}`, 300), {
    code,
    hint: 'compare the versions of client and server, and the field named',
  });
}
