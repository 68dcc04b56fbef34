/** The environment as strings: read here and nowhere else. */
export interface Env {
  readonly databaseUrl: string | undefined;
  readonly publicUrl: string | undefined;
  readonly listen: string | undefined;
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly storageKeyFile: string | undefined;
  readonly epochKeys: string | undefined;
  readonly logLevel: string | undefined;
  readonly trustProxy: string | undefined;
  readonly allowInspect: string | undefined;
  readonly acceptClock: string | undefined;
  readonly allowSlowArithmetic: string | undefined;
}

/** Every variable that a server reads. */
export const ENV_NAMES: { readonly [N in keyof Env]: string } = {
  databaseUrl: 'CKM_DATABASE_URL',
  publicUrl: 'CKM_PUBLIC_URL',
  listen: 'CKM_LISTEN',
  tlsCertificate: 'CKM_TLS_CERTIFICATE',
  tlsKey: 'CKM_TLS_KEY',
  storageKeyFile: 'CKM_STORAGE_KEY_FILE',
  epochKeys: 'CKM_EPOCH_KEYS',
  logLevel: 'CKM_LOG_LEVEL',
  trustProxy: 'CKM_TRUST_PROXY',
  allowInspect: 'CKM_ALLOW_INSPECT',
  acceptClock: 'CKM_ACCEPT_CLOCK',
  allowSlowArithmetic: 'CKM_ALLOW_SLOW_ARITHMETIC',
};

/** Picks our variables; an empty one counts as absent. */
export function readEnv(variables: Readonly<Record<string, string | undefined>> = process.env): Env {
  const entries = Object.entries(ENV_NAMES).map(([property, name]) => {
    const value = variables[name];
    return [property, value === '' ? undefined : value];
  });
  return Object.fromEntries(entries);
}

/** All that a program of the operator's gets of the environment: the rest may hold a database password. */
export function readProgramEnv(): Readonly<Record<string, string>> {
  const given = ['PATH', 'HOME', 'LANG', 'TZ'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}

/** The options that Node itself took from the environment, whatever a server was handed instead of it. */
export function readNodeOptions(): readonly string[] {
  const text = process.env['NODE_OPTIONS'] ?? '';
  // Quotes and backslashes only keep words together: for finding an option they are in the way.
  return text
    .replace(/["\\]/g, '')
    .split(/\s+/)
    .filter((option) => option !== '');
}
