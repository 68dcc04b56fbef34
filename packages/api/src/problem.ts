import {
  beginningOf,
  BugError,
  CkmError,
  ERROR_CLASSES,
  type ErrorClass,
  parseRemedy,
  toShowable,
} from '@ckm/foundation';
import { problem, type Problem } from './functions.js';

const FACT_TEXT_LIMIT = 256;

/**
 * An error as RFC 9457 problem details. Whatever is not one of ours becomes a BugError without a word of its own:
 * a stray message could hold anything.
 */
export function toProblem(error: unknown): Problem {
  const known =
    error instanceof CkmError
      ? error
      : new BugError('internal error', {
          code: 'INTERNAL',
          hint: 'try again; if it persists, tell the operator the time of this reply',
        });
  return {
    type: `urn:ckm:error:${known.code}`,
    title: beginningOf(known.message, 512),
    status: known.httpStatus,
    errorClass: known.errorClass,
    code: known.code.slice(0, 64),
    hint: beginningOf(known.hint, 512),
    retryable: known.retryable,
    facts: boundedFacts(known.facts),
    ...remedyIn(known),
  };
}

/** The error that a problem describes. A problem that is none of ours becomes a BugError; this never throws. */
export function fromProblem(value: unknown): CkmError {
  const parsed = problem.safeParse(value);
  if (!parsed.success || !(parsed.data.errorClass in ERROR_CLASSES)) {
    return new BugError('the server answered with an error nobody can read', {
      code: 'PROBLEM_UNREADABLE',
      hint: 'compare the versions of client and server',
    });
  }
  const { errorClass, title, code, hint, status, retryable, facts } = parsed.data;
  const remedy = parseRemedy(parsed.data.remedy);
  return new CkmError(errorClass as ErrorClass, toShowable(title), {
    code,
    hint: toShowable(hint),
    httpStatus: status,
    retryable,
    facts: showableFacts(facts),
    ...(remedy === null ? {} : { remedy }),
  });
}

/** Whoever answers chose these words, and they are shown beside our own. */
function showableFacts(facts: Problem['facts']): CkmError['facts'] {
  const showable = (value: string | number) => (typeof value === 'string' ? toShowable(value) : value);
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      toShowable(name),
      typeof value === 'boolean' ? value : Array.isArray(value) ? value.map(showable) : showable(value),
    ]),
  );
}

/** Only what whoever reads it may believe travels. */
function remedyIn(error: CkmError): Pick<Problem, 'remedy'> {
  const remedy = parseRemedy(error.remedy);
  return remedy === null ? {} : { remedy: { ...remedy } as NonNullable<Problem['remedy']> };
}

function boundedFacts(facts: CkmError['facts']): Problem['facts'] {
  const bounded: Problem['facts'] = {};
  for (const [name, value] of Object.entries(facts).slice(0, 16)) {
    if (typeof value === 'string') bounded[name] = beginningOf(value, FACT_TEXT_LIMIT);
    else if (typeof value === 'number') bounded[name] = Number.isFinite(value) ? Math.trunc(value) : 0;
    else if (typeof value === 'boolean') bounded[name] = value;
    else bounded[name] = value.slice(0, 64);
  }
  return bounded;
}
