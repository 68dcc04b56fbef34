import { VERSION } from '@ckm/foundation';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configError, serverUnread, settingInvalid } from './codes.js';
import { type ConfigFile, type ConfigFileInput, configFile } from './config-file.js';
import { settingFault } from './setting-fault.js';
import type { ServerConfig } from './config.js';
import { ENV_NAMES, type Env } from './env.js';

export const CONFIG_FILE = 'config.json';

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
  return toConfig(dataDir, parseFile(text), env);
}

/** What `config.json` says itself, without defaults and environment. @throws as {@link loadConfig} */
export function readSettings(dataDir: string): Partial<ConfigFile> {
  return parseFile(readConfigFile(dataDir)) as Partial<ConfigFile>;
}

function parseFile(written: string): unknown {
  // Some editors of text put a mark in front.
  const text = written.replace(/^\ufeff/, '');
  if (text.trim() === '') throw emptyFile();
  try {
    const parsed: unknown = JSON.parse(text);
    const name = repeatedName(text);
    if (name === null) return parsed;
    throw configError(
      'CONFIG_INVALID',
      `${CONFIG_FILE} has ${name} twice`,
      `take one of them out of ${CONFIG_FILE}: only the last would count`,
    );
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const [, line, column] = /line (\d+) column (\d+)/.exec(cause.message) ?? [];
    const where =
      line === undefined ? 'it ends too early' : `look at line ${line}, column ${column!}, or just before`;
    throw configError(
      'CONFIG_INVALID',
      `${CONFIG_FILE} is not JSON: ${where}`,
      `correct ${CONFIG_FILE}`,
      cause,
    );
  }
}

function emptyFile() {
  return configError(
    'CONFIG_INVALID',
    `${CONFIG_FILE} is empty`,
    'write it again ({"name": "alpha"} is enough to start), or make the server again out of its backup in a new folder',
    undefined,
    {},
    { kind: 'restoreServer' },
  );
}

/** The first name that stands twice in one object of a JSON text. JSON itself lets the last one count, without a word. */
function repeatedName(text: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*(:)?|[{}]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      if (open.at(-1)!.has(string!)) return string!;
      open.at(-1)!.add(string!);
    }
  }
  return null;
}

/** @throws UsageError `CONFIG_INVALID`, with the setting and what was expected of it as facts. */
export function assertSettings(settings: ConfigFileInput): void {
  checked(settings);
}

/** The text of a `config.json`. @throws as {@link assertSettings} */
export function formatConfigFile(settings: ConfigFileInput): string {
  return `${JSON.stringify(checked(settings), null, 2)}\n`;
}

function readConfigFile(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, CONFIG_FILE), 'utf8');
  } catch (cause) {
    throw serverUnread(dataDir, cause);
  }
}

function checked(settings: unknown): ConfigFile {
  const parsed = configFile.safeParse(settings);
  if (parsed.success) return parsed.data;
  const { setting, expected, hint } = settingFault(parsed.error.issues[0]!);
  throw settingInvalid(setting === '' ? CONFIG_FILE : setting, expected, hint);
}

function withEnv(file: unknown, env: Env): unknown {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) return file;
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
