import { AvailabilityError } from '@ckm/foundation';
import type { Carrier } from './carrier.js';
import { parseServerUrl, type HttpReply, type HttpSend } from './http-send.js';
import { isForeign, proxyAnswered } from './proxy-answered.js';

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
    introduce: async (url, timeoutMs, authority = null) => {
      const reply = await send(url, { method: 'GET', path: IDENTITY_PATH, timeoutMs, authority });
      const code = codeIn(reply);
      if (isForeign(reply, code)) throw proxyAnswered(url, reply);
      if (reply.status !== 200)
        throw code === 'SERVER_SEALED' ? sealed(url) : refused(url, reply.status, code);
      return reply.body;
    },
    ask: async (url, message, { route, timeoutMs, authority = null }) => {
      const reply = await send(url, {
        method: 'POST',
        path: MESSAGE_PATH,
        body: message,
        route,
        timeoutMs,
        authority,
      });
      const code = codeIn(reply);
      if (isForeign(reply, code)) throw proxyAnswered(url, reply);
      if (reply.status === 200) return { kind: 'answer', bytes: reply.body };
      return { kind: 'refusal', code, text: `HTTP ${reply.status}`, ...receptionIn(reply) };
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

/** Of anybody, at any time: it is busy, stops, or has heard too many strangers. */
function refused(url: string, status: number, code: string): AvailabilityError {
  return new AvailabilityError(`the server at ${url} does not say who it is: HTTP ${status}, ${code}`, {
    code: 'SERVER_REFUSED_MESSAGE',
    hint: 'read what that means',
    remedy: { kind: 'read', code },
    facts: { reason: code },
  });
}

/** The code that a server refuses with; empty where none is said. */
function codeIn({ status, body }: HttpReply): string {
  if (status === 200 || body.length > MAX_PROBLEM_BYTES) return '';
  const match = /"code"\s*:\s*"([A-Z][A-Z0-9_]{2,63})"/.exec(new TextDecoder().decode(body));
  return match?.[1] ?? '';
}

/** When the message came in, by the clock of the server that refused it. */
function receptionIn({ body }: HttpReply): { readonly receivedAt?: number } {
  if (body.length > MAX_PROBLEM_BYTES) return {};
  const match = /"receivedAt"\s*:\s*(\d{1,12})\b/.exec(new TextDecoder().decode(body));
  return match === null ? {} : { receivedAt: Number(match[1]) };
}
