import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { CkmError } from '@ckm/foundation';
import { assertTls } from '../../http/listen.js';
import { readPrivateFile } from '../../vault/key-file.js';
import { settingInvalid } from '../../config/codes.js';
import type { MailConfig, ServerConfig } from '../../config/config.js';
import { ENV_NAMES, readEnv } from '../../config/env.js';
import { loadConfig, readSettings } from '../../config/load-config.js';
import { assertDatabaseKind } from '../database/own-database.js';
import { listSettings, valueAt, variableOf } from '../../config/settings.js';

export interface ConfigOptions {
  readonly dataDir: string;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

/** One setting as it would count now. */
export interface SettingNow {
  readonly name: string;
  readonly value: unknown;
  /** `default`, `config.json`, or the name of a variable. */
  readonly from: string;
}

/** Every setting with its value, and where that comes from. Nothing is secret in them. @throws as {@link checkConfig} */
export function describeConfig({ dataDir, variables }: ConfigOptions): readonly SettingNow[] {
  const env = readEnv(variables);
  const config = loadConfig(dataDir, env);
  const given = readSettings(dataDir);
  return listSettings().map(({ name }) => {
    const variable = variableOf(name);
    const isFromEnv = variable !== null && env[variable] !== undefined;
    const isFromFile = valueAt(given, name) !== null;
    const value = shown(name, valueAt(config, name));
    return { name, value, from: isFromEnv ? ENV_NAMES[variable] : isFromFile ? 'config.json' : 'default' };
  });
}

/**
 * Checks what a start would find wrong with the configuration, and what it would only find later: files of TLS, programs
 * and secrets of notices and of mail, the folder of epoch keys, another database than before. Starts nothing, changes nothing.
 * @throws UsageError `CONFIG_MISSING`, `CONFIG_INVALID` naming the first setting that is wrong; StorageError `STORAGE_OTHER`
 */
export function checkConfig({ dataDir, variables }: ConfigOptions): ServerConfig {
  const config = loadConfig(dataDir, readEnv(variables));
  assertDatabaseKind(config);
  if (config.tls !== null) assertTls(config.tls);
  const { command, webhook } = config.notify;
  if (command !== null && !isProgram(command[0]!))
    throw invalid('notify.command', 'there is no such program');
  if (webhook !== null && webhook.secretFile !== null)
    assertPrivate('notify.webhook.secretFile', webhook.secretFile);
  if (config.mail !== null) assertMail(config.mail);
  if (config.epochKeys !== null && !existsSync(config.epochKeys)) {
    throw invalid('epochKeys', 'there is no such folder');
  }
  return config;
}

function assertMail({ passwordFile, caFile }: MailConfig): void {
  if (passwordFile !== null) assertPrivate('mail.passwordFile', passwordFile);
  if (caFile !== null && !existsSync(caFile)) throw invalid('mail.caFile', 'there is no such file');
}

/** A setting by which a server reaches outside of its data directory. */
export interface ForeignSetting {
  readonly name: string;
  readonly value: string;
}

const REACHING_OUT = [
  'notify.command',
  'notify.webhook.url',
  'notify.webhook.secretFile',
  'mail.host',
  'mail.to',
  'mail.passwordFile',
  'mail.caFile',
  'epochKeys',
  'tls.certificateFile',
  'tls.keyFile',
];

/**
 * The programs that a server would run, where it would send something, and files and folders elsewhere that it would use: what
 * to look at in a configuration that somebody else may have written.
 */
export function foreignSettings(config: ServerConfig): readonly ForeignSetting[] {
  return REACHING_OUT.flatMap((name) => {
    const value = shown(name, valueAt(config, name));
    if (Array.isArray(value)) return [{ name, value: value.join(' ') }];
    return typeof value === 'string' ? [{ name, value }] : [];
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function assertPrivate(setting: string, path: string): void {
  try {
    readPrivateFile(path).fill(0);
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    throw invalid(setting, error.message);
  }
}

function invalid(setting: string, what: string) {
  return settingInvalid(setting, what, `correct ${setting} in config.json`);
}

/** The path of a webhook is often all that keeps others from sending to it. */
function shown(name: string, value: unknown): unknown {
  return name === 'notify.webhook.url' && typeof value === 'string' ? `${new URL(value).origin}/…` : value;
}
