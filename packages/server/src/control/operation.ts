import type { Secret } from '@ckm/foundation';
import { z } from 'zod';
import type { Immutable } from './schemas/immutable.js';

/**
 * What an operation takes of the operator. `read`: nothing is changed. `stop`: something is taken away or refused, which
 * is safe to do in a hurry. `go`: something is allowed that was not. `local`: only at the machine itself.
 */
export type Takes = 'read' | 'stop' | 'go' | 'local';

/**
 * What an operation changes. All but `nothing` and `process` leave an audit row for each thing they change; a copy of
 * everything that leaves the machine is one of those things.
 */
export type Changes =
  'nothing' | 'request' | 'session' | 'key' | 'account' | 'invite' | 'outbox' | 'copy' | 'process';

/** One thing that an operator can ask of a running server. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  /** Parameters whose names stand in it behind a colon are part of the path. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly takes: Takes;
  readonly changes: Changes;
  /**
   * All parameters, wherever they travel: in the path, else of a GET in the query, of a POST in the body as JSON.
   * `secret`: the body is one secret in bytes, which is wiped by both sides.
   */
  readonly parameters: z.ZodObject | 'secret';
  /** `text`: not JSON but plain text. `bytes`: pieces of whatever length, as they come. */
  readonly result: z.ZodType | 'text' | 'bytes';
}

/** What the caller hands over: defaults may be left out. */
export type ParametersOf<O extends Operation> = O['parameters'] extends z.ZodType
  ? z.input<O['parameters']>
  : Secret<Uint8Array>;

/** What the server works with. */
export type CheckedParametersOf<O extends Operation> = O['parameters'] extends z.ZodType
  ? z.output<O['parameters']>
  : Secret<Uint8Array>;

export type ResultOf<O extends Operation> = O['result'] extends z.ZodType
  ? Immutable<z.output<O['result']>>
  : O['result'] extends 'bytes'
    ? AsyncIterable<Uint8Array>
    : string;

/** The parameters that are part of a path. */
export function pathNames(path: string): readonly string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
}

/** Whether a parameter is a number, which a query can only hold as text. */
export function isNumeric(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return isNumeric(schema.unwrap());
  return schema instanceof z.ZodNumber;
}
