import { toProblem } from '@ckm/api';
import { CkmError, decodeHex, secret, UsageError, type Secret } from '@ckm/foundation';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import type { Reporting } from '../events.js';
import { readBody } from '../http/read-body.js';
import type { OperatorDesk } from './desk.js';
import {
  approveBody,
  hexId,
  hexPrefix,
  inviteBody,
  inviteNameBody,
  type OperatorStatus,
  rejectBody,
  tightenBody,
} from './protocol.js';

export interface ControlOptions {
  status(): Promise<OperatorStatus>;
  /** Wiped by whoever takes it. */
  unseal(passphrase: Secret<Uint8Array>): Promise<void>;
  /** Begins to stop; resolves at once. */
  shutdown(): void;
  /** @throws AvailabilityError `SERVER_SEALED` while there is none. */
  desk(): OperatorDesk;
  readonly reporting: Reporting;
}

const MAX_BODY_BYTES = 65_536;

/**
 * What the operator can ask over the socket in the data directory. Plain JSON: whoever can open that socket can also read
 * the data directory.
 */
export function createControlApp(options: ControlOptions): Hono {
  const app = new Hono();
  const { desk } = options;

  app.get('/status', async (c) => c.json(await options.status()));
  app.post('/unseal', async (c) => {
    const passphrase = await readBody(c.req.raw, 1024);
    if (passphrase === null) throw badInput('the passphrase is too long');
    await options.unseal(secret(passphrase));
    return c.json(await options.status());
  });
  app.post('/shutdown', (c) => {
    options.shutdown();
    return c.json({});
  });

  app.get('/requests', async (c) => {
    const [requestId, owner] = [optionalId(c, 'after'), optionalId(c, 'owner')];
    const isFirst = requestId === null || owner === null;
    const after = isFirst ? null : { createdAt: number(c, 'createdAt', 1), requestId, owner };
    return c.json(await desk().requests(after));
  });
  app.get('/requests/:id', async (c) =>
    c.json(await desk().request(param(c, 'id', hexPrefix), optionalId(c, 'owner'))),
  );
  app.post('/requests/:id/approve', async (c) => {
    const given = Object.entries(await jsonBody(c, approveBody));
    const seen = Object.fromEntries(given.map(([name, digits = '']) => [name, decodeHex(digits)]));
    return c.json(await desk().approve(param(c, 'id', hexPrefix), seen));
  });
  app.post('/requests/:id/reject', async (c) => {
    const { reason } = await jsonBody(c, rejectBody);
    return c.json(await desk().reject(param(c, 'id', hexPrefix), reason));
  });

  app.get('/audit', async (c) =>
    c.json(await desk().auditLines(number(c, 'from', 1), number(c, 'limit', 100))),
  );
  app.get('/audit/verify', async (c) => c.json(await desk().verifyAudit()));

  app.get('/invites', async (c) => c.json(await desk().invites()));
  app.post('/invites', async (c) => c.json(await desk().createInvite(await jsonBody(c, inviteBody))));

  app.post('/invites/find', async (c) =>
    c.json(await desk().invite((await jsonBody(c, inviteNameBody)).invite)),
  );
  app.post('/invites/revoke', async (c) =>
    c.json(await desk().revokeInvite((await jsonBody(c, inviteNameBody)).invite)),
  );

  app.get('/accounts', async (c) => c.json(await desk().accounts(optionalId(c, 'after'))));
  app.post('/accounts/:id/suspend', async (c) => {
    await desk().suspend(idParam(c));
    return c.json({});
  });
  app.post('/accounts/:id/resume', async (c) => {
    await desk().resume(idParam(c));
    return c.json({});
  });

  app.post('/accounts/:id/reject', async (c) => {
    const { reason } = await jsonBody(c, rejectBody);
    return c.json(await desk().rejectAll(idParam(c), reason));
  });

  app.get('/keys', async (c) => {
    const [owner, keyId] = [optionalId(c, 'owner'), optionalId(c, 'after')];
    return c.json(await desk().keys(owner === null || keyId === null ? null : { owner, keyId }));
  });
  app.get('/keys/:id/policy', async (c) =>
    c.json(await desk().keyPolicy(param(c, 'id', hexPrefix), optionalId(c, 'owner'))),
  );
  app.post('/keys/:id/policy', async (c) => {
    const change = await jsonBody(c, tightenBody);
    return c.json(await desk().tighten(param(c, 'id', hexPrefix), optionalId(c, 'owner'), change));
  });

  app.get('/metrics', async (c) => c.text(await options.reporting.metrics()));

  app.notFound((c) => problemResponse(c, badInput('unknown path')));
  app.onError((error, c) => {
    if (!(error instanceof CkmError)) options.reporting.events.bug(error);
    return problemResponse(c, error);
  });
  return app;
}

function problemResponse(c: Context, error: unknown): Response {
  const problem = toProblem(error);
  return c.body(JSON.stringify(problem), problem.status as 400, {
    'content-type': 'application/problem+json',
  });
}

function param<S extends z.ZodType<string>>(c: Context, name: string, schema: S): string {
  const parsed = schema.safeParse(c.req.param(name));
  if (parsed.success) return parsed.data;
  throw badInput(`${name}: ${parsed.error.issues[0]?.message ?? 'not valid'}`);
}

function idParam(c: Context): Uint8Array {
  return decodeHex(param(c, 'id', hexId));
}

function optionalId(c: Context, name: string): Uint8Array | null {
  const text = c.req.query(name);
  if (text === undefined) return null;
  if (!hexId.safeParse(text).success) throw badInput(`${name}: expected 64 hex digits`);
  return decodeHex(text);
}

function number(c: Context, name: string, otherwise: number): number {
  const text = c.req.query(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d{1,12}$/.test(text) || value < 1 || (name === 'limit' && value > 1_000)) {
    throw badInput(`${name}: expected a whole number`);
  }
  return value;
}

async function jsonBody<S extends z.ZodType>(c: Context, schema: S): Promise<z.infer<S>> {
  const bytes = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (bytes === null) throw badInput('the body is too long');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw badInput('the body is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badInput(`${issue?.path.map(String).join('.') ?? 'body'}: ${issue?.message ?? 'not valid'}`);
}

function badInput(what: string): UsageError {
  return new UsageError(what, {
    code: 'OPERATOR_INPUT_INVALID',
    hint: 'compare the versions of ckm and the server',
  });
}
