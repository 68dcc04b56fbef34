import { z } from 'zod';
import { configFile } from './config-file.js';
import { ENV_NAMES, type Env } from './env.js';

/** One setting, as people look it up. */
export interface Setting {
  /** Its path in `config.json`: `limits.body`. */
  readonly name: string;
  readonly says: string;
  /** What it may be: `true or false`, `1 to 10,000`, `open, invite or closed`. */
  readonly values: string;
  /** As JSON; null: there is none, it has to be given. */
  readonly fallback: string | null;
  /** The variable that has the last word over it; null: none. */
  readonly variable: string | null;
}

/** What each setting is for. A setting of the schema that is not here, or the other way round, fails a test. */
const SAYS: Readonly<Record<string, string>> = {
  name: 'how the server calls itself to owners, who may call it otherwise',
  publicUrl:
    'the address that owners use, with a path where a proxy hands on what is below one; null: where it listens',
  'listen.host': 'the address it listens on',
  'listen.port': 'the port it listens on; 0: any that is free',
  'tls.certificateFile': 'PEM file of the certificate and those above it; read anew on SIGHUP',
  'tls.keyFile': 'PEM file of the key of the certificate, readable by the server’s user only',
  accounts: 'who may open an account: everybody, whoever has an invite, nobody new',
  backup:
    'static: shares of keys whose owners wish so can always be made again from the identity; epoch: such keys are refused',
  epochKeys: 'folder of the keys of epochs that replicas share; null: in the data directory',
  'quota.keys': 'keys of one account, and ceremonies that will make one',
  'quota.openSessions': 'ceremonies under way of one account',
  'quota.requestsPerMinute': 'messages of one account in a minute; one of more than 4 KiB counts as several',
  'quota.costPerMinute': 'milliseconds of one core that one account may take in a minute',
  'quota.waitingRequests': 'requests of one account that wait for you',
  'quota.bytes': 'bytes that one account has stored',
  'policy.kinds': 'kinds of requests that are answered at all, for whatever key; null: all',
  'policy.rateLimit.count':
    'requests that any key takes in `policy.rateLimit.perSeconds`, rejected ones too; null for both: no limit',
  'policy.rateLimit.perSeconds': 'seconds in which `policy.rateLimit.count` counts',
  'policy.blindAllowed':
    'whether anything is signed that cannot be described; a file in a domain is, by its digest',
  'policy.approval':
    'whether every request of every key waits for you, and every change of who holds one, and every export',
  'policy.changeDelay':
    'seconds for which a change of who holds a key, or its export, waits here, where the key itself says less',
  'limits.body': 'bytes of one message',
  'limits.concurrency': 'messages answered at the same time',
  'limits.perSecond': 'messages in a second from everybody together',
  'limits.perAddressPerMinute': 'messages in a minute from one address',
  'limits.accounts': 'accounts in all',
  'limits.accountsPerAddressPerDay':
    'accounts opened from one address in a day, where no invite is asked for',
  'limits.connectionsPerAddress': 'connections that one address may have open; not counted behind a proxy',
  'limits.requestTimeoutMs': 'milliseconds after which a message is answered that it took too long',
  'limits.clockSkewSeconds': 'seconds that a sender’s clock may be from this one',
  'limits.messageLifetimeSeconds': 'seconds that a message may be valid',
  'limits.sessionLifetimeSeconds': 'seconds that a ceremony may stay open',
  'limits.requestLifetimeSeconds': 'seconds that a request may stay open',
  'limits.keepRequestsSeconds':
    'seconds that a request is kept after its expiry, or as long as a rate limit counts it',
  'limits.keepSessionsSeconds': 'seconds that a ceremony is kept after its expiry',
  allowSlowArithmetic:
    'for tests: compute with secrets in a time that depends on them, where nothing better loads',
  'log.level': 'the least that is logged',
  'notify.command': 'program, by its whole path, and arguments, run when a request waits; null: none',
  'notify.webhook.url':
    'https address to which a notice is sent when a request waits; null for all of it: none',
  'notify.webhook.secretFile':
    'file (0600) with the secret that notices are authenticated with; null: they are not',
  'notify.webhook.sentence':
    'whether the notice says what the request is about: whoever has the address reads it',
  'notify.everySeconds': 'seconds between two notices; what comes in between is counted in the next one',
  'notify.quiet.from':
    'time of day, UTC, from which mail and webhook tell of no request that only waits; null for all of it: they always do',
  'notify.quiet.to': 'time of day, UTC, from which they do again, and of what waits then',
  'mail.host': 'mail server that this one sends through; null for all of it: it sends no mail',
  'mail.port': 'its port: 587 for starttls, 465 for tls, as a rule',
  'mail.tls': 'tls from the first byte, starttls before anything is said, or none, to this machine only',
  'mail.from': 'address that its mail comes from',
  'mail.to': 'address to which notices go that something waits; null: they do not go by mail',
  'mail.user': 'as whom it signs in there; null: it does not',
  'mail.passwordFile': 'file (0600) with the password of that user',
  'mail.caFile': 'PEM file of the authority that its certificate is of; null: those that Node trusts',
  trustProxy: 'whether the address in `X-Forwarded-For` counts: only behind a proxy that sets it',
  metrics: 'who may read `/metrics`: this machine, or everybody',
};

const VARIABLES: Readonly<Record<string, keyof Env>> = {
  publicUrl: 'publicUrl',
  'listen.host': 'listen',
  'listen.port': 'listen',
  'tls.certificateFile': 'tlsCertificate',
  'tls.keyFile': 'tlsKey',
  epochKeys: 'epochKeys',
  allowSlowArithmetic: 'allowSlowArithmetic',
  'log.level': 'logLevel',
  trustProxy: 'trustProxy',
};

/** The variable of a setting, as `readEnv` names it. */
export function variableOf(name: string): keyof Env | null {
  return VARIABLES[name] ?? null;
}

type Schema = z.core.JSONSchema.BaseSchema;

/** Every setting that `config.json` may hold, in its order. */
export function listSettings(): readonly Setting[] {
  const schema = z.toJSONSchema(configFile, { io: 'input' }) as Schema;
  const fallbacks = configFile.parse({ name: 'x' });
  return leavesOf(schema, []).map(({ path, leaf }) => {
    const name = path.join('.');
    const variable = variableOf(name);
    return {
      name,
      says: SAYS[name] ?? '',
      values: valuesOf(leaf),
      fallback: name === 'name' ? null : JSON.stringify(valueAt(fallbacks, name)),
      variable: variable === null ? null : ENV_NAMES[variable],
    };
  });
}

/** Names that are explained and are no settings. */
export function strayNames(): readonly string[] {
  const known = new Set(listSettings().map(({ name }) => name));
  return Object.keys(SAYS).filter((name) => !known.has(name));
}

/** What a configuration has for a setting; null where the whole of which it is a part is null. */
export function valueAt(config: object, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>(
      (value, part) => (value as Readonly<Record<string, unknown>> | null)?.[part] ?? null,
      config,
    );
}

function leavesOf(schema: Schema, path: readonly string[]): { path: readonly string[]; leaf: Schema }[] {
  const { properties } = alternativesOf(schema).find((one) => one.properties !== undefined) ?? {};
  if (properties === undefined) return [{ path, leaf: schema }];
  return Object.entries(properties).flatMap(([name, inner]) => leavesOf(inner as Schema, [...path, name]));
}

function alternativesOf(schema: Schema): readonly Schema[] {
  return (schema.anyOf as readonly Schema[] | undefined) ?? [schema];
}

function valuesOf(schema: Schema): string {
  return alternativesOf(schema).map(valueText).join(' or ');
}

function valueText({ type, enum: names, minimum, maximum, items }: Schema): string {
  if (names !== undefined) return names.map((name) => `\`${String(name)}\``).join(', ');
  if (type === 'integer') {
    // Without an upper end of ours it is that of exact numbers.
    const isOpen = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER;
    return isOpen ? `${number(minimum ?? 0)} or more` : `${number(minimum ?? 0)} to ${number(maximum)}`;
  }
  if (type === 'array') return `list of ${valueText(items as Schema)}`;
  return TYPES[String(type)] ?? String(type);
}

const TYPES: Readonly<Record<string, string>> = {
  boolean: '`true`, `false`',
  string: 'text',
  null: '`null`',
};

function number(value: number): string {
  return value.toLocaleString('en-US');
}
