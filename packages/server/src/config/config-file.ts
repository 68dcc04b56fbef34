import { isStorable } from '@ckm/foundation';
import { z } from 'zod';

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
  changeDelay: z.int().min(0).max(604_800).default(0),
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

/** A program by its whole path, and its arguments: no shell reads them. */
const command = z
  .array(z.string().min(1).max(1_024))
  .min(1)
  .max(16)
  .refine(([program]) => program?.startsWith('/'), { error: 'the program is named by its whole path' });

const timeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, { error: 'expected a time of day such as 22:00' });

const notify = z.strictObject({
  command: command.nullable().default(null),
  webhook: z
    .strictObject({
      url: z.string().max(1_024).refine(isWebhookUrl, {
        error: 'expected https://…, or http:// on this machine, without a user name',
      }),
      secretFile: z.string().startsWith('/').max(1_024).nullable().default(null),
      sentence: z.boolean().default(false),
    })
    .nullable()
    .default(null),
  everySeconds: z.int().min(1).max(86_400).default(60),
  quiet: z.strictObject({ from: timeOfDay, to: timeOfDay }).nullable().default(null),
});

const mailAddress = z
  .string()
  .max(254)
  .regex(/^[\w.+~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, {
    error: 'expected an address such as ckm@example.org',
  });
const absoluteFile = z.string().startsWith('/').max(1_024).nullable().default(null);

const mail = z
  .strictObject({
    host: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9.:-]+$/, { error: 'expected the name or the address of a machine' }),
    port: z.int().min(1).max(65_535).default(587),
    tls: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    from: mailAddress,
    to: mailAddress.nullable().default(null),
    user: z.string().min(1).max(254).nullable().default(null),
    passwordFile: absoluteFile,
    caFile: absoluteFile,
  })
  .refine(({ host, tls }) => tls !== 'none' || isThisMachine(host), {
    error: 'without TLS only this machine is sent to',
    path: ['tls'],
  })
  .refine(({ user, passwordFile }) => (user === null) === (passwordFile === null), {
    error: 'a user and the file of his password come together',
    path: ['passwordFile'],
  });

function isThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1)$/.test(host);
}

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isHere = protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return (protocol === 'https:' || isHere) && username === '' && password === '';
}

const name = z
  .string()
  .min(1)
  .max(64)
  .refine(isStorable, { error: 'characters that cannot be shown on every machine are not allowed' });

/** What `config.json` may hold; everything but the name has a default. */
export const configFile = z.strictObject({
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
  notify: notify.prefault({}),
  mail: mail.nullable().default(null),
  trustProxy: z.boolean().default(false),
  metrics: z.enum(['local', 'anybody']).default('local'),
});
export type ConfigFile = z.infer<typeof configFile>;
export type ConfigFileInput = z.input<typeof configFile>;
