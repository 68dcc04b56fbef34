import { VERSION } from '@ckm/foundation';
import { problem } from '@ckm/api';
import { z } from 'zod';
import { pathNames, type Operation } from './operation.js';
import { OPERATION_NAMES, OPERATIONS, type OperationName } from './operations.js';

const DESCRIPTION =
  'What the operator of a server can ask over the socket in its data directory. `x-ckm-takes` says what an operation ' +
  'takes of the operator (read, stop, go, local), `x-ckm-changes` what it changes: everything but nothing and process ' +
  'leaves an audit row.';

/** The operator's table as an OpenAPI 3.1 document. */
export function describeOperations(): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of OPERATION_NAMES) {
    const operation: Operation = OPERATIONS[name];
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(name, operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'CKM operator', version: VERSION, description: DESCRIPTION },
    paths,
    components: { schemas: { Problem: schemaOf(problem) } },
  };
}

function describe(name: OperationName, operation: Operation): object {
  const { summary, takes, changes, result, parameters, method, path } = operation;
  const inPath = pathNames(path);
  const isQuery = method === 'GET';
  const members = parameters === 'secret' ? [] : membersOf(parameters);
  const outside = members.filter((member) => isQuery || inPath.includes(member.name));
  return {
    operationId: name,
    summary,
    'x-ckm-takes': takes,
    'x-ckm-changes': changes,
    ...(outside.length === 0
      ? {}
      : {
          parameters: outside.map((member) => ({
            ...member,
            in: inPath.includes(member.name) ? 'path' : 'query',
          })),
        }),
    ...(isQuery ? {} : bodyOf(operation, inPath)),
    responses: {
      200: {
        description: summary,
        content: answerOf(result),
      },
      default: {
        description: 'the operation was refused, or failed',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function answerOf(result: Operation['result']): object {
  if (result === 'text') return { 'text/plain': { schema: { type: 'string' } } };
  if (result === 'bytes') return { 'application/octet-stream': {} };
  return { 'application/json': { schema: schemaOf(result, 'output') } };
}

interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly schema: unknown;
}

function membersOf(parameters: z.ZodObject): Member[] {
  const { properties = {}, required = [] } = schemaOf(parameters);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    schema,
  }));
}

/** What of the parameters does not stand in the path. */
function bodyOf({ parameters }: Operation, inPath: readonly string[]): object {
  if (parameters === 'secret') {
    return { requestBody: { required: true, content: { 'application/octet-stream': {} } } };
  }
  const { properties = {}, required = [], ...rest } = schemaOf(parameters);
  const inBody = Object.entries(properties).filter(([name]) => !inPath.includes(name));
  if (inBody.length === 0) return {};
  const needed = required.filter((name) => !inPath.includes(name));
  const schema = {
    ...rest,
    properties: Object.fromEntries(inBody),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
  return { requestBody: { required: needed.length > 0, content: { 'application/json': { schema } } } };
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
