import { isStorable } from '@ckm/foundation';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { VERSION } from './version.js';
import { configError, serverMissing, settingInvalid } from './codes.js';
import type { ServerConfig } from './config.js';
import { ENV_NAMES, type Env } from './env.js';

export const CONFIG_FILE = 'config.json';

const rateLimit = z.strictObject({
  count: z.int().min(1).max(1_000_000),
  perSeconds: z.int().min(1).max(31_536_000),
});

const quota = z.strictObject({
  keys: z.int().min(0).max(1_000_000).default(1_000),
  openSessions: z.int().min(0).max(10_000).default(32),
  requestsPerMinute: z.int().min(1).max(10_000_000).default(6_000),
  costPerMinute: z.int().min(1_000).max(100_000_000).default(30_000),
  waitingRequests: z.int().min(0).max(10_000).default(100),
  bytes: z.int().min(0).default(1_073_741_824),
});

const policy = z.strictObject({
  kinds: z.array(z.string().min(1).max(32)).max(64).nullable().default(null),
  rateLimit: rateLimit.nullable().default(null),
  blindAllowed: z.boolean().default(true),
  approval: z.enum(['automatic', 'operator']).default('automatic'),
});

const limits = z.strictObject({
  body: z.int().min(16_384).max(16_777_216).default(2_097_152),
  concurrency: z.int().min(1).max(10_000).default(256),
  perSecond: z.int().min(1).max(1_000_000).default(2_000),
  perAddressPerMinute: z.int().min(1).max(100_000_000).default(60_000),
  accounts: z.int().min(0).max(10_000_000).default(10_000),
  accountsPerAddressPerDay: z.int().min(1).max(10_000_000).default(20),
  connectionsPerAddress: z.int().min(1).max(4_096).default(256),
  requestTimeoutMs: z.int().min(100).max(600_000).default(20_000),
  clockSkewSeconds: z.int().min(1).max(3_600).default(60),
  messageLifetimeSeconds: z.int().min(10).max(86_400).default(300),
  sessionLifetimeSeconds: z.int().min(60).max(31_536_000).default(1_209_600),
  requestLifetimeSeconds: z.int().min(60).max(31_536_000).default(1_209_600),
  keepRequestsSeconds: z.int().min(60).max(315_360_000).default(86_400),
  keepSessionsSeconds: z.int().min(60).max(315_360_000).default(2_592_000),
});

const listen = z.strictObject({ host: z.string().min(1).max(255), port: z.int().min(0).max(65_535) });
/** With a path where a proxy hands on what is below one: clients put theirs behind it. Source: RFC 3986 §3.3, `pchar`. */
const PUBLIC_URL = /^https?:\/\/[^\s/?#@]+(\/[\w.~%!$&'()*+,;=:@/-]*)?$/;
const publicUrl = z
  .string()
  .max(256)
  .refine((text) => PUBLIC_URL.test(text), { error: 'expected http(s)://host[:port][/path]' });

const name = z
  .string()
  .min(1)
  .max(64)
  .refine(isStorable, { error: 'characters that cannot be shown on every machine are not allowed' });

/** What `config.json` may hold; everything but the name has a default. */
const configFile = z.strictObject({
  name,
  publicUrl: publicUrl.nullable().default(null),
  listen: listen.default({ host: '127.0.0.1', port: 8470 }),
  tls: z
    .strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) })
    .nullable()
    .default(null),
  accounts: z.enum(['open', 'invite', 'closed']).default('invite'),
  backup: z.enum(['epoch', 'static']).default('epoch'),
  epochKeys: z.string().startsWith('/').max(1_024).nullable().default(null),
  quota: quota.prefault({}),
  policy: policy.prefault({}),
  limits: limits.prefault({}),
  allowSlowArithmetic: z.boolean().default(false),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
  trustProxy: z.boolean().default(false),
  metrics: z.enum(['local', 'anybody']).default('local'),
});
export type ConfigFile = z.infer<typeof configFile>;
export type ConfigFileInput = z.input<typeof configFile>;

/**
 * Checks a configuration and lets the environment have the last word.
 * @throws UsageError `CONFIG_INVALID` naming the first setting that is wrong.
 */
export function toConfig(dataDir: string, file: unknown, env: Env): ServerConfig {
  const settings = checked(withEnv(file, env));
  return {
    ...settings,
    dataDir,
    version: VERSION,
    publicUrl: (settings.publicUrl ?? addressOf(settings, settings.listen.port)).replace(/\/+$/, ''),
    databaseUrl: databaseUrl(env.databaseUrl),
  };
}

/** Where a server listens itself, whatever proxy is in front. @param port the one it was given, when it asked for any */
export function addressOf(
  { tls, listen: { host } }: Pick<ConfigFile, 'tls' | 'listen'>,
  port: number,
): string {
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws UsageError `CONFIG_MISSING`, `CONFIG_INVALID`. */
export function loadConfig(dataDir: string, env: Env): ServerConfig {
  return parseConfig(dataDir, readConfigFile(dataDir), env);
}

/** The configuration in the text of a `config.json`. @throws UsageError `CONFIG_INVALID` */
export function parseConfig(dataDir: string, text: string, env: Env): ServerConfig {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw configError('CONFIG_INVALID', `${CONFIG_FILE} is not JSON`, `correct ${CONFIG_FILE}`, cause);
  }
  return toConfig(dataDir, file, env);
}

/** @throws UsageError `CONFIG_INVALID`, with the setting and what was expected of it as facts. */
export function assertSettings(settings: ConfigFileInput): void {
  checked(settings);
}

/** Writes a new `config.json`; fails when there is one. */
export function writeConfigFile(dataDir: string, settings: ConfigFileInput): void {
  const text = `${JSON.stringify(checked(settings), null, 2)}\n`;
  writeFileSync(join(dataDir, CONFIG_FILE), text, { mode: 0o600, flag: 'wx' });
}

function readConfigFile(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, CONFIG_FILE), 'utf8');
  } catch (cause) {
    throw serverMissing(dataDir, cause);
  }
}

function checked(settings: unknown): ConfigFile {
  const parsed = configFile.safeParse(settings);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const setting =
    issue === undefined || issue.path.length === 0 ? CONFIG_FILE : issue.path.map(String).join('.');
  throw settingInvalid(setting, issue?.message ?? 'not valid', `correct ${setting} in ${CONFIG_FILE}`);
}

function withEnv(file: unknown, env: Env): unknown {
  if (typeof file !== 'object' || file === null) return file;
  return {
    ...file,
    ...(env.publicUrl === undefined ? {} : { publicUrl: env.publicUrl }),
    ...(env.epochKeys === undefined ? {} : { epochKeys: env.epochKeys }),
    ...(env.listen === undefined ? {} : { listen: parseListen(env.listen) }),
    ...(env.logLevel === undefined ? {} : { log: { level: env.logLevel } }),
    ...(env.trustProxy === undefined
      ? {}
      : { trustProxy: parseSwitch(ENV_NAMES.trustProxy, env.trustProxy) }),
    ...(env.allowSlowArithmetic === undefined
      ? {}
      : { allowSlowArithmetic: parseSwitch(ENV_NAMES.allowSlowArithmetic, env.allowSlowArithmetic) }),
    ...(env.tlsCertificate === undefined && env.tlsKey === undefined
      ? {}
      : { tls: { certificateFile: env.tlsCertificate, keyFile: env.tlsKey } }),
  };
}

/** @throws UsageError `CONFIG_INVALID` for anything but a clear yes or no. */
export function parseSwitch(variable: string, text: string | undefined): boolean {
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true') return true;
  throw configError(
    'CONFIG_INVALID',
    `${variable} is neither 1 nor 0`,
    `set ${variable}=1, or leave it unset`,
  );
}

function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  if (match === null) {
    throw configError(
      'CONFIG_INVALID',
      `${ENV_NAMES.listen} is not host:port`,
      `set ${ENV_NAMES.listen}=127.0.0.1:8470`,
    );
  }
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

/** May hold a password: no word of it is in an error. */
function databaseUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  // Without a host it is a socket, which URL has no form for.
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace('@/', '@localhost/'))) return text;
  throw configError(
    'CONFIG_INVALID',
    `${ENV_NAMES.databaseUrl} is not a postgres URL`,
    'use postgres://…, with # / ? in a password written as %23 %2F %3F, or leave it unset for the embedded database',
  );
}
