import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Problem } from '@ckm/api';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { createRateLimiter } from '../turns/rate-limiter.js';
import type { ServerConfig } from '../config/config.js';
import type { Reporting } from '../events.js';
import { type From, SHORT_MESSAGE_BYTES } from '../turns/long-messages.js';
import { addressGroup, isLocal } from './address.js';
import { createUnreadAnswers, type UnreadAnswer } from './answer-unread.js';
import { PROBLEMS } from './codes.js';
import type { ServedServer, ReadyServer } from './served.js';
import { createConcurrencyLimit } from './concurrency-limit.js';
import { readBody } from './read-body.js';

/** What Node's adapter hands along; absent when an app is asked directly. */
interface Bindings {
  readonly incoming?: IncomingMessage | { readonly socket: { readonly remoteAddress?: string } };
  readonly outgoing?: ServerResponse;
}
type HttpContext = Context<{ Bindings: Bindings }>;

export interface HttpOptions {
  readonly config: Pick<ServerConfig, 'limits' | 'trustProxy' | 'metrics'>;
  readonly served: ServedServer;
  readonly reporting: Reporting;
}

const OCTETS = 'application/octet-stream';

/**
 * Everything the server answers over HTTP. It carries sealed messages and knows nothing of what is in them:
 * a readable answer, also a refusal inside it, is 200 and ciphertext.
 */
export function createHttpApp({ config, served, reporting }: HttpOptions): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>();
  const { perAddressPerMinute } = config.limits;
  const perAddress = createRateLimiter({ count: perAddressPerMinute, perMs: 60_000 });
  const addressOf = (c: HttpContext) =>
    addressGroup(remoteOf(c), config.trustProxy ? c.req.header('x-forwarded-for') : undefined);
  const perClient: AddressLimit = { addressOf, admits: (c) => perAddress.take(addressOf(c)) };

  const forPages = cors({
    origin: '*',
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['content-type', 'ckm-route'],
    maxAge: 86_400,
  });
  // Messages say it themselves: what makes it for every route costs as much as all else about one.
  app.use('/v1/*', (c, next) => (isMessage(c) ? next() : forPages(c, next)));
  app.get('/healthz', (c) => c.json({ status: 'ok' }, 200, PLAIN_HEADERS));
  app.get('/readyz', async (c) => {
    const { isReady, ...body } = await readinessOf(served);
    return c.json(body, isReady ? 200 : 503, PLAIN_HEADERS);
  });
  app.get('/metrics', async (c) => {
    // Behind a proxy everybody seems to be here, and not every proxy says that it is one.
    const isForHere = config.metrics === 'local';
    if (isForHere && (config.trustProxy || !isAskedHere(c))) return problemResponse(c, PROBLEMS.metricsLocal);
    return c.text(await reporting.metrics(), 200, PLAIN_HEADERS);
  });
  app.get('/v1/identity', (c) => {
    if (!perClient.admits(c)) return problemResponse(c, PROBLEMS.tooMany);
    const open = served.open();
    return open === null ? problemResponse(c, closedProblem(served)) : c.json(open.card, 200, PLAIN_HEADERS);
  });
  app.post(MESSAGES, createMessageRoute({ config, served, reporting }, perClient));
  app.notFound((c) => problemResponse(c, PROBLEMS.unknownRoute));
  app.onError((error, c) => {
    reporting.events.bug(error);
    return problemResponse(c, PROBLEMS.busy, isMessage(c) ? MESSAGE_HEADERS : PLAIN_HEADERS);
  });
  return app;
}

/** What `/readyz` says. `refusesForSeconds`: messages may be of before the restore until then. */
async function readinessOf(served: ServedServer) {
  const open = served.open();
  const code = (await open?.storageFault()) ?? null;
  const phase = served.phase();
  const refusesForSeconds = open?.refusesFor?.() ?? 0;
  const whenReady = code !== null ? 'storage' : refusesForSeconds > 0 ? 'restored' : phase;
  const status = phase === 'ready' ? whenReady : phase;
  const epochKeysMissing = open?.epochKeysMissing?.() ?? 0;
  return {
    isReady: status === 'ready',
    status,
    ...(status === 'storage' ? { code } : {}),
    ...(status === 'restored' ? { refusesForSeconds } : {}),
    ...(epochKeysMissing === 0 ? {} : { epochKeysMissing }),
  };
}

const MESSAGES = '/v1/messages';

function isMessage({ req }: HttpContext): boolean {
  return req.method === 'POST' && req.path === MESSAGES;
}

/** Who stands outside. */
interface AddressLimit {
  addressOf(c: HttpContext): string;
  /** Takes one place of an address; false when it has none left. */
  admits(c: HttpContext): boolean;
}

/** As clients make one: random, 16 bytes. */
const ROUTE = /^[0-9a-f]{32}$/;

/** A message is a few kilobytes: whoever takes longer to send it only keeps a place. */
const MOST_MS_TO_ARRIVE = 10_000;

/** Cheap checks first; nothing is read from a message that will not be answered. */
function createMessageRoute({ config, served, reporting }: HttpOptions, { addressOf, admits }: AddressLimit) {
  const { limits } = config;
  const everybody = createRateLimiter({ count: limits.perSecond, perMs: 1_000 });
  const arrivals = createConcurrencyLimit({ inAll: 2 * limits.concurrency, forEach: limits.concurrency });
  const answerUnread = createUnreadAnswers();
  let answering = 0;

  function refusal(c: HttpContext): Problem | null {
    // Before it takes a place: those are for the short messages of its neighbours.
    if (isTooLongNow(c)) return PROBLEMS.tooManyLong;
    // The address first: what it has used up must not be taken from everybody.
    if (!admits(c) || !everybody.take('')) return PROBLEMS.tooMany;
    if (served.open() === null) return closedProblem(served);
    if (c.req.header('content-type') !== OCTETS) return PROBLEMS.wrongType;
    return answering >= limits.concurrency ? PROBLEMS.busy : null;
  }

  /** Seen from its stated length, before a byte of it is read. */
  function isTooLongNow(c: HttpContext): boolean {
    const open = served.open();
    const stated = Number(c.req.header('content-length') ?? 0);
    return open !== null && stated <= limits.body && stated > open.mostBytes(fromOf(c));
  }

  function fromOf(c: HttpContext): From {
    const route = c.req.header('ckm-route') ?? '';
    return { address: addressOf(c), route: ROUTE.test(route) ? route : null };
  }

  /** While it arrives a message has a place of its own: one that never does keeps nobody else from being answered. */
  async function arrive(c: HttpContext): Promise<Uint8Array | Problem> {
    const address = addressOf(c);
    if (!arrivals.take(address)) return PROBLEMS.busy;
    try {
      const most = served.open()?.mostBytes(fromOf(c)) ?? limits.body;
      const read = readBody(c.req.raw, most).then(
        (bytes) => bytes ?? (most < limits.body ? PROBLEMS.tooManyLong : PROBLEMS.tooLong),
        // Its sender hung up: no defect of ours, and nobody is there to be told.
        () => PROBLEMS.timeout,
      );
      return (await within(MOST_MS_TO_ARRIVE, read)) ?? PROBLEMS.timeout;
    } finally {
      arrivals.leave(address);
    }
  }

  async function answer(
    c: HttpContext,
    { receive }: ReadyServer,
    bytes: Uint8Array,
  ): Promise<Response | Problem> {
    if (answering >= limits.concurrency) return PROBLEMS.busy;
    answering++;
    const { left, leave } = whoWaits(c, bytes);
    try {
      const received = await within(limits.requestTimeoutMs, receive(bytes, fromOf(c), left));
      if (received === null || received.kind === 'left') return PROBLEMS.timeout;
      if (received.kind === 'problem') return problemResponse(c, received.problem, MESSAGE_HEADERS);
      return sealedResponse(c, received.bytes);
    } finally {
      leave();
      answering--;
    }
  }

  return async (c: HttpContext): Promise<Response> => {
    const refused = refusal(c);
    // Taken now: whatever was let in is answered, also when the server begins to stop while it arrives.
    const open = served.open();
    if (refused !== null || open === null) return refuse(c, refused ?? PROBLEMS.busy);
    const arrived = await arrive(c);
    if (!(arrived instanceof Uint8Array)) return refuse(c, arrived);
    const response = await answer(c, open, arrived);
    return response instanceof Response ? response : refuse(c, response);
  };

  function refuse(c: HttpContext, problem: Problem): Response {
    reporting.events.messageRefused({ code: problem.code });
    const incoming = c.env?.incoming;
    const outgoing = c.env?.outgoing;
    if (
      problem !== PROBLEMS.tooManyLong ||
      outgoing === undefined ||
      !(incoming instanceof IncomingMessage)
    ) {
      return problemResponse(c, problem, MESSAGE_HEADERS);
    }
    answerUnread(incoming, outgoing, problemParts(problem, MESSAGE_HEADERS));
    return RESPONSE_ALREADY_SENT;
  }
}

/** Tells a long message, which may stand in line, when its sender has gone or its time is up. */
function whoWaits(
  { env }: HttpContext,
  { length }: Uint8Array,
): { readonly left?: AbortSignal; readonly leave: () => void } {
  if (length <= SHORT_MESSAGE_BYTES) return { leave: () => undefined };
  const controller = new AbortController();
  const leave = () => controller.abort();
  if (env?.outgoing?.destroyed === true) leave();
  env?.outgoing?.once('close', leave);
  return { left: controller.signal, leave };
}

/** A proxy on this machine speaks for others: whatever it forwards does not count as asked here. */
function isAskedHere(c: HttpContext): boolean {
  const isForwarded = ['forwarded', 'x-forwarded-for', 'via'].some(
    (name) => c.req.header(name) !== undefined,
  );
  return isLocal(remoteOf(c)) && !isForwarded;
}

function remoteOf(c: HttpContext): string | undefined {
  return c.env?.incoming?.socket.remoteAddress;
}

const PLAIN_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** An owner's page comes from anywhere: what it sends is sealed and signed, and no cookie goes with it. */
const MESSAGE_HEADERS = { ...PLAIN_HEADERS, 'access-control-allow-origin': '*' } as const;

/** Where Node listens, straight to it: a `Response` would be made only to be taken apart again. */
function sealedResponse(c: HttpContext, bytes: Uint8Array): Response {
  const headers = { ...MESSAGE_HEADERS, 'content-type': OCTETS };
  const outgoing = c.env?.outgoing;
  if (outgoing === undefined) return c.body(bytes as Uint8Array<ArrayBuffer>, 200, headers);
  outgoing.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
  return RESPONSE_ALREADY_SENT;
}

function problemResponse(
  c: HttpContext,
  problem: Problem,
  own: Readonly<Record<string, string>> = PLAIN_HEADERS,
): Response {
  const { status, headers, body } = problemParts(problem, own);
  return c.body(body, status as 400, headers);
}

function problemParts(problem: Problem, own: Readonly<Record<string, string>>): UnreadAnswer {
  const { status } = problem;
  const wait = status === 429 || status === 503 ? { 'retry-after': '1' } : {};
  const headers = { ...own, ...wait, 'content-type': 'application/problem+json' };
  return { status, headers, body: JSON.stringify(problem) };
}

function closedProblem(served: ServedServer): Problem {
  const phase = served.phase();
  if (phase === 'stopping') return PROBLEMS.stopping;
  return phase === 'sealed' ? PROBLEMS.sealed : PROBLEMS.busy;
}

/** Null when `work` takes longer; it goes on, and its answer can be asked for again. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
