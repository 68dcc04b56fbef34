import { type Problem, toProblem } from '@ckm/api';
import { AccessError, AvailabilityError, EncodingError, PolicyError, UsageError } from '@ckm/foundation';
import { longMessagesRefused } from '../turns/long-messages.js';

/** Every code of a refusal that HTTP itself makes. */
const HTTP_CODES = [
  'BODY_TOO_LONG',
  'BODY_TYPE_WRONG',
  'METRICS_LOCAL',
  'REQUEST_TIMEOUT',
  'ROUTE_UNKNOWN',
  'SERVER_BUSY',
  'SERVER_SEALED',
  'SERVER_STOPPING',
  'TOO_MANY_MESSAGES',
] as const;
export type HttpCode = (typeof HTTP_CODES)[number];

const unavailable = (code: HttpCode, message: string, hint: string): Problem =>
  toProblem(new AvailabilityError(message, { code, hint }));

/** The refusals, made once: none of them depends on what was sent. */
export const PROBLEMS = {
  tooLong: toProblem(
    new EncodingError('the message is too long', {
      code: 'BODY_TOO_LONG' satisfies HttpCode,
      hint: 'send less at once',
      httpStatus: 413,
    }),
  ),
  wrongType: toProblem(
    new EncodingError('a message travels as application/octet-stream', {
      code: 'BODY_TYPE_WRONG' satisfies HttpCode,
      hint: 'set the header content-type: application/octet-stream',
      httpStatus: 415,
    }),
  ),
  metricsLocal: toProblem(
    new AccessError('metrics are shown on the server’s own machine only', {
      code: 'METRICS_LOCAL' satisfies HttpCode,
      hint: 'ask from the machine itself (behind a proxy: on control.sock), or set "metrics": "anybody"',
    }),
  ),
  tooMany: toProblem(
    new PolicyError('too many messages', {
      code: 'TOO_MANY_MESSAGES' satisfies HttpCode,
      hint: 'wait a moment, then try again',
      httpStatus: 429,
    }),
  ),
  tooManyLong: toProblem(longMessagesRefused()),
  unknownRoute: toProblem(
    new UsageError('unknown path', {
      code: 'ROUTE_UNKNOWN' satisfies HttpCode,
      hint: 'send messages to POST /v1/messages',
      httpStatus: 404,
    }),
  ),
  busy: unavailable('SERVER_BUSY', 'the server is busy', 'wait a moment, then try again'),
  timeout: unavailable(
    'REQUEST_TIMEOUT',
    'the answer took too long',
    'ask again: repeating a request is safe',
  ),
  sealed: unavailable('SERVER_SEALED', 'the server is sealed', 'ask its operator to unseal it'),
  stopping: unavailable('SERVER_STOPPING', 'the server is stopping', 'try again in a minute'),
} as const;
