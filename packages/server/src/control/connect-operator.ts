import { existsSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { fromProblem } from '@ckm/api';
import { AvailabilityError, BugError, reveal, type Secret, wipe } from '@ckm/foundation';
import type { z } from 'zod';
import { serverMissing, serverUnread } from '../config/codes.js';
import { CONFIG_FILE } from '../config/load-config.js';
import { pathNames, type Operation } from './operation.js';
import {
  OPERATION_NAMES,
  OPERATIONS,
  type OperationName,
  type OperatorParameters,
  type OperatorResult,
} from './operations.js';

/** The operator's socket, in the data directory. */
export const CONTROL_SOCKET = 'control.sock';

/**
 * The operator's side of a running server, over the socket in its data directory: one function for each row of
 * {@link OPERATIONS}, with the row's parameters by name; of an object that holds more, only those are sent. A secret is
 * wiped. Ids are hex; a request, a key or an invite may be named by its first digits.
 *
 * Every function throws the server's own error, AvailabilityError `SERVER_NOT_RUNNING`, UsageError `CONFIG_MISSING` where there is none, or BugError
 * `OPERATOR_ANSWER_UNREADABLE` when the server is of another version than this client.
 */
export type Operator = {
  readonly [N in OperationName]: (...given: Given<OperatorParameters<N>>) => Promise<OperatorResult<N>>;
};

/** Parameters that may all be left out may be left out together. */
type Given<P> = P extends Record<string, never> ? [] : object extends P ? [parameters?: P] : [parameters: P];

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Question {
  readonly method: Operation['method'];
  readonly path: string;
  readonly body?: Uint8Array;
}

/** Nothing is connected before the first question. */
export function connectOperator(dataDir: string): Operator {
  const functions = OPERATION_NAMES.map((name) => [
    name,
    (parameters?: object) => ask(dataDir, OPERATIONS[name], parameters ?? {}),
  ]);
  return Object.fromEntries(functions) as Operator;
}

async function ask(dataDir: string, operation: Operation, parameters: object): Promise<unknown> {
  if (operation.parameters !== 'secret') {
    const question = questionOf(operation, operation.parameters, parameters);
    return answerOf(dataDir, operation, await send(dataDir, question));
  }
  const { method, path } = operation;
  const secret = parameters as Secret<Uint8Array>;
  try {
    const body = reveal(secret, 'send it to the server');
    return await answerOf(dataDir, operation, await send(dataDir, { method, path, body }));
  } finally {
    wipe(secret);
  }
}

async function answerOf(dataDir: string, operation: Operation, response: IncomingMessage): Promise<unknown> {
  if (operation.result === 'bytes' && response.statusCode === 200) return piecesOf(response);
  const text = await textOf(response).catch((cause: unknown) => {
    throw notRunning(dataDir, cause);
  });
  return resultOf(operation, { status: response.statusCode ?? 0, text });
}

/** What comes is passed on as it comes; who reads to the end knows whether it was all. */
async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const piece of response) yield piece as Buffer;
  } catch (cause) {
    throw new AvailabilityError('the server ended its answer too early', {
      code: 'OPERATOR_ANSWER_CUT_SHORT',
      hint: 'look into the log of the server, then ask again',
      cause,
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** Puts parameters where they travel; what the row does not name stays here. */
function questionOf({ method, path }: Operation, { shape }: z.ZodObject, parameters: object): Question {
  const inPath = pathNames(path);
  const given = Object.entries(parameters).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(shape, name),
  );
  const written = inPath.reduce((at, name) => {
    const [, value] = given.find(([one]) => one === name) ?? [];
    return at.replace(`:${name}`, () => encodeURIComponent(String(value)));
  }, path as string);
  const others = given.filter(([name]) => !inPath.includes(name));
  if (method === 'POST') {
    return {
      method,
      path: written,
      body: new TextEncoder().encode(JSON.stringify(Object.fromEntries(others))),
    };
  }
  const query = new URLSearchParams(others.map(([name, value]): [string, string] => [name, String(value)]));
  return { method, path: others.length === 0 ? written : `${written}?${query.toString()}` };
}

function resultOf({ result }: Operation, { status, text }: Answer): unknown {
  if (status !== 200) throw fromProblem(parsed(text));
  if (typeof result === 'string') return text;
  const read = result.safeParse(parsed(text));
  if (read.success) return read.data;
  throw unreadable(read.error);
}

function send(dataDir: string, { method, path, body }: Question): Promise<IncomingMessage> {
  const socketPath = join(dataDir, CONTROL_SOCKET);
  return new Promise((resolve, reject) => {
    // A connection of its own: a kept one may be of a server that has ended since.
    const sent = request({ socketPath, method, path, agent: false }, resolve);
    sent.on('error', (cause) => reject(notRunning(dataDir, cause)));
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): BugError {
  return new BugError('the server answered the operator with something this version cannot read', {
    code: 'OPERATOR_ANSWER_UNREADABLE',
    hint: 'compare the versions of this program and the server',
    remedy: { kind: 'updateSoftware' },
    cause,
  });
}

function notRunning(dataDir: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES') return serverUnread(dataDir, cause);
  if (!existsSync(join(dataDir, CONFIG_FILE))) return serverMissing(dataDir, cause);
  return new AvailabilityError(`no server is running in ${dataDir}`, {
    code: 'SERVER_NOT_RUNNING',
    hint: 'check the path, or start the server',
    remedy: { kind: 'startServer' },
    cause,
  });
}
