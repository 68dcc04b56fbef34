import { toProblem } from '@ckm/api';
import { CkmError, fromFileSystem, secret, UsageError, type Secret } from '@ckm/foundation';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { readBody, readSecretBody } from '../http/read-body.js';
import { type Acts, type ControlOptions, createActs } from './acts.js';
import { isNumeric, pathNames, type Operation } from './operation.js';
import { OPERATION_NAMES, OPERATIONS, type OperationName } from './operations.js';

const MAX_BODY_BYTES = 65_536;
/** Two passphrases of the longest kind. */
const MAX_SECRET_BYTES = 2_050;

/**
 * What the operator can ask over the socket in the data directory, row by row of {@link OPERATIONS}. Plain JSON: whoever
 * can open that socket can also read the data directory.
 */
export function createControlApp(options: ControlOptions): Hono {
  const app = new Hono();
  const acts = createActs(options);
  for (const name of OPERATION_NAMES) {
    const operation: Operation = OPERATIONS[name];
    app.on(operation.method, operation.path, async (c) => {
      const answer = await actOf(acts, name)(await readParameters(c, operation));
      if (operation.result === 'bytes') return pieces(c, answer as AsyncIterable<Uint8Array>);
      return operation.result === 'text' ? c.text(answer as string) : c.json(answer as object);
    });
  }
  app.notFound((c) => problemResponse(c, badInput('unknown path')));
  app.onError((thrown, c) => {
    const error = fromFileSystem(thrown);
    if (!(error instanceof CkmError)) options.reporting.events.bug(error);
    return problemResponse(c, error);
  });
  return app;
}

/** The types of a row and of its act agree by the table; inside the loop over all rows nobody can say which it is. */
function actOf(acts: Acts, name: OperationName): (parameters: unknown) => Promise<unknown> {
  return acts[name] as (parameters: unknown) => Promise<unknown>;
}

/** Whatever fails on the way cuts the answer short: who reads it must be able to tell. */
function pieces(c: Context, answer: AsyncIterable<Uint8Array>): Response {
  return c.body(ReadableStream.from(answer) as ReadableStream, 200, {
    'content-type': 'application/octet-stream',
  });
}

function problemResponse(c: Context, error: unknown): Response {
  const problem = toProblem(error);
  return c.body(JSON.stringify(problem), problem.status as 400, {
    'content-type': 'application/problem+json',
  });
}

/** @throws UsageError `OPERATOR_INPUT_INVALID` */
async function readParameters(c: Context, operation: Operation): Promise<unknown> {
  const { parameters, path, method } = operation;
  if (parameters === 'secret') return readSecret(c);
  const inPath = Object.fromEntries(pathNames(path).map((name) => [name, c.req.param(name)]));
  const others = method === 'GET' ? readQuery(c, parameters) : await readJson(c);
  for (const name of Object.keys(inPath)) {
    if (name in others) throw badInput(`${name}: it stands in the path already`);
  }
  const parsed = parameters.safeParse({ ...others, ...inPath });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badInput(`${issue?.path.map(String).join('.') || 'parameters'}: ${issue?.message ?? 'not valid'}`);
}

async function readSecret(c: Context): Promise<Secret<Uint8Array>> {
  const bytes = await readSecretBody(c.req.raw, MAX_SECRET_BYTES);
  if (bytes === null) throw badInput('the passphrase is too long');
  return secret(bytes);
}

function readQuery(c: Context, { shape }: z.ZodObject): Record<string, unknown> {
  const given = Object.entries(c.req.queries()).map(([name, [text = '', ...others]]) => {
    if (others.length > 0) throw badInput(`${name}: given twice`);
    const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const isNumber = schema !== undefined && isNumeric(schema) && /^\d{1,15}$/.test(text);
    return [name, isNumber ? Number(text) : text] as const;
  });
  return Object.fromEntries(given);
}

/** An empty body is an object without members. */
async function readJson(c: Context): Promise<object> {
  const bytes = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (bytes === null) throw badInput('the body is too long');
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    throw badInput('the body is not JSON');
  }
  throw badInput('the body is not a JSON object');
}

function badInput(what: string): UsageError {
  return new UsageError(what, {
    code: 'OPERATOR_INPUT_INVALID',
    hint: 'correct it; if it was right, compare the versions of the program that asks and the server',
  });
}
