import { AvailabilityError } from '@ckm/foundation';
import type { Carrier } from './carrier.js';
import { parseServerUrl, type HttpSend } from './http-send.js';

/** Network and clock differences, nothing more. */
const LIFETIME_SECONDS = 120;
const IDENTITY_PATH = '/v1/identity';
const MESSAGE_PATH = '/v1/messages';
const MAX_PROBLEM_BYTES = 8_192;

/** The first carrier: each message is one HTTP request, each answer its response. */
export function httpCarrier(send: HttpSend): Carrier {
  return {
    lifetimeSeconds: LIFETIME_SECONDS,
    parseAddress: parseServerUrl,
    introduce: async (url, timeoutMs) => {
      const { status, body } = await send(url, { method: 'GET', path: IDENTITY_PATH, timeoutMs });
      if (status !== 200) throw codeIn(body) === 'SERVER_SEALED' ? sealed(url) : noServer(url, status);
      return body;
    },
    ask: async (url, message, { route, timeoutMs }) => {
      const { status, body } = await send(url, {
        method: 'POST',
        path: MESSAGE_PATH,
        body: message,
        route,
        timeoutMs,
      });
      if (status === 200) return { kind: 'answer', bytes: body };
      return { kind: 'refusal', code: codeIn(body), text: `HTTP ${status}` };
    },
  };
}

/** It says so unsealed, so it is only a hint; nothing else follows from it. */
function sealed(url: string): AvailabilityError {
  return new AvailabilityError(`the server at ${url} is sealed and answers nobody`, {
    code: 'SERVER_SEALED',
    hint: 'ask its operator to unseal it, then try again',
  });
}

function noServer(url: string, status: number): AvailabilityError {
  return new AvailabilityError(`no Secret Server answers at ${url}: HTTP ${status}`, {
    code: 'SERVER_UNREACHABLE',
    hint: 'check the address; something else may be listening there',
  });
}

function codeIn(body: Uint8Array): string {
  if (body.length > MAX_PROBLEM_BYTES) return '';
  const match = /"code"\s*:\s*"([A-Z][A-Z0-9_]{2,63})"/.exec(new TextDecoder().decode(body));
  return match?.[1] ?? '';
}
