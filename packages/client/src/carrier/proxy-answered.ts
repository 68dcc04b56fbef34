import { AvailabilityError } from '@ckm/foundation';
import type { HttpReply } from './http-send.js';

/** Whether no Secret Server writes such a reply: its own are 200, or say a code; and none is a web page. */
export function isForeign({ status, contentType }: HttpReply, code: string): boolean {
  return status === 200 ? contentType.startsWith('text/') : code === '';
}

/**
 * Something between us and the server answered in its place: a proxy, a web site, a network that wants a log-in first. Of what
 * it says, only the status is shown.
 */
export function proxyAnswered(url: string, { status, contentType }: HttpReply): AvailabilityError {
  const withWhat = contentType.startsWith('text/html') ? ' with a web page' : '';
  return new AvailabilityError(
    `no Secret Server answered at ${url}, but something in its place: HTTP ${status}${withWhat}`,
    { code: 'SERVER_PROXY_ANSWERED', hint: HINTS[status] ?? HINT },
  );
}

/** It sends its visitors to another address: nobody is followed, because only this one is pinned. */
export function redirected(url: string): AvailabilityError {
  return new AvailabilityError(`what answers at ${url} sends its visitors elsewhere`, {
    code: 'SERVER_PROXY_ANSWERED',
    hint: 'check the address: whether it begins with https, and its path; or log in to the network you are in',
  });
}

const HINT = 'check the address, and what stands between you and the server';
const GONE = 'ask its operator whether the server runs: its proxy does not reach it';
const SHUT = 'ask its operator to let you through';

const HINTS: Readonly<Record<number, string>> = {
  200: 'check the address and its path; some networks want a log-in first',
  400: 'check the address: whether it begins with https, and its port',
  401: SHUT,
  403: SHUT,
  404: 'check the address and its path',
  405: 'check the address and its path',
  407: SHUT,
  413: 'ask its operator to let its proxy pass on messages of 2 MiB',
  429: 'wait a moment, then try again: it lets nobody through so often',
  502: GONE,
  503: GONE,
  504: GONE,
};
