import { encodeHex, PolicyError } from '@ckm/foundation';
import { createRateLimiter } from './rate-limiter.js';

/** Up to this many bytes a message is opened whoever sent it. */
export const SHORT_MESSAGE_BYTES = 65_536;
/** How many of the longest messages may be opened in a minute for nothing: 16 MiB with bodies of 2 MiB, half a second of a core. */
const LONGEST_PER_MINUTE = 8;
/** Links of one account that are remembered: as many programs of one owner at the same time. */
const ROUTES_PER_ACCOUNT = 8;
const BYTES_PER_PLACE = 1_024;

/** What is known of a message before it is opened. */
export interface From {
  /** As a limit counts it. */
  readonly address: string;
  /** The random name of the link it came by, which its client chose: the header `CKM-Route`. Null: none, or no such name. */
  readonly route: string | null;
}

/** The bytes of one message, which count against whoever sent it until it is heard. */
export interface Opening {
  /** The message is from an account, or a stranger who may speak, and within what they may send. @param account null: a stranger */
  heard(account: Uint8Array | null): void;
}

/**
 * Bounds what it costs to open long messages of which nothing comes. Opening one takes 10 to 30 ms for each megabyte, and only
 * then is it known who sent it; so the bytes of what is not heard are counted for each address, and one that has used up its
 * own sends only short ones until some are earned again. Whoever was heard by the same link is counted by account instead, so
 * that no neighbour at the same address keeps an owner from being heard.
 */
export interface LongMessages {
  /** How many bytes a message from there may have at this moment. */
  mostBytes(from: From): number;
  /** Counts a message before it is opened; null: it must not be. */
  take(from: From, length: number): Opening | null;
}

/** @param maxBytes of the longest message there is */
export function createLongMessages(maxBytes: number, nowMs?: () => number): LongMessages {
  const places = (length: number) => (length > SHORT_MESSAGE_BYTES ? Math.ceil(length / BYTES_PER_PLACE) : 0);
  const longest = places(maxBytes);
  const unheard = createRateLimiter(
    { count: Math.max(1, LONGEST_PER_MINUTE * longest), perMs: 60_000 },
    nowMs,
  );
  const routes = createKnownRoutes();

  function nameOf({ address, route }: From): string {
    const account = route === null ? undefined : routes.accountOf(route);
    return account === undefined ? `address ${address}` : `account ${account}`;
  }

  return {
    mostBytes: (from) =>
      unheard.waitMs(nameOf(from), longest) === 0 ? maxBytes : Math.min(SHORT_MESSAGE_BYTES, maxBytes),
    take: (from, length) => {
      const name = nameOf(from);
      const taken = places(length);
      if (taken > 0 && !unheard.take(name, taken)) return null;
      return {
        heard: (account) => {
          if (taken > 0) unheard.giveBack(name, taken);
          if (account !== null && from.route !== null) routes.remember(from.route, encodeHex(account));
        },
      };
    },
  };
}

/** What is said instead of opening a long message. */
export function longMessagesRefused(): PolicyError {
  return new PolicyError('too many long messages came from this address that nobody here answers', {
    code: 'LONG_MESSAGES_REFUSED',
    hint: 'send a short message first, then this one again; or wait a minute',
    httpStatus: 429,
  });
}

/** Which account was last heard by a route. Nobody can push the routes of another account out. */
function createKnownRoutes() {
  const accounts = new Map<string, string>();
  const routes = new Map<string, string[]>();
  return {
    accountOf: (route: string) => accounts.get(route),
    remember: (route: string, account: string) => {
      // Whoever was first stays: a route is one link's, and a link is one owner's.
      if (accounts.has(route)) return;
      accounts.set(route, account);
      const own = routes.get(account) ?? [];
      own.push(route);
      if (own.length > ROUTES_PER_ACCOUNT) accounts.delete(own.shift()!);
      routes.set(account, own);
    },
  };
}
