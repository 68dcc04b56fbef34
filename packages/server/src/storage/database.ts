import type { Kysely } from 'kysely';
import type { Rows, TableName } from './rows.js';

type SnakeCase<S extends string> = S extends `${infer Head}${infer Tail}`
  ? Head extends Lowercase<Head>
    ? `${Head}${SnakeCase<Tail>}`
    : `_${Lowercase<Head>}${SnakeCase<Tail>}`
  : S;
/** Booleans are stored as 0 and 1: both databases can index and check those. */
type Stored<V> = V extends boolean ? number : V;
type Columns<R> = { [C in keyof R & string as SnakeCase<C>]: Stored<R[C]> };

/** The tables as SQL has them: snake_case columns. */
export type Database = { [T in TableName]: Columns<Rows[T]> } & {
  seen_messages: { xid: Uint8Array; id: Uint8Array; expires_at: number };
  usage: { owner: Uint8Array; bytes: number };
};

export type Queries = Kysely<Database>;

/** Every column of every table, in the order of the table. The one list that migrations are checked against. */
export const COLUMNS: { readonly [T in TableName]: readonly (keyof Rows[T] & string)[] } = {
  meta: ['name', 'sealed'],
  accounts: ['xid', 'status', 'version', 'openedAt', 'sealed'],
  invites: ['codeHash', 'usedBy', 'createdAt', 'expiresAt', 'sealed'],
  sessions: ['owner', 'sessionId', 'keyId', 'state', 'open', 'version', 'createdAt', 'expiresAt', 'sealed'],
  session_packets: ['owner', 'sessionId', 'round', 'sender', 'receiver', 'sealed'],
  session_evidence: ['owner', 'sessionId', 'number', 'sealed'],
  keys: ['owner', 'keyId', 'state', 'epoch', 'version', 'createdAt', 'sealed'],
  key_epochs: ['owner', 'keyId', 'epoch', 'version', 'sealed'],
  shares: ['owner', 'keyId', 'epoch', 'version', 'sealed'],
  tightenings: ['owner', 'keyId', 'version', 'sealed'],
  changes: ['owner', 'keyId', 'epoch', 'waiting', 'version', 'sealed'],
  shown_epochs: ['owner', 'keyId', 'epoch', 'name', 'sealed'],
  devices: ['owner', 'generation', 'number', 'twice', 'sealed'],
  young_devices: ['owner', 'id', 'version', 'sealed'],
  outbox: ['owner', 'id', 'way', 'state', 'dueAt', 'version', 'createdAt', 'sealed'],
  deposits: ['owner', 'receipt', 'sealed'],
  terms: ['owner', 'keyId', 'number', 'twice', 'waiting', 'version', 'sealed'],
  totals: ['owner', 'keyId', 'number', 'at', 'sealed'],
  key_devices: ['owner', 'keyId', 'generation', 'number', 'twice', 'sealed'],
  proven_devices: ['owner', 'keyId', 'id', 'sealed'],
  contacts: ['owner', 'id', 'handle', 'version', 'sealed'],
  recoveries: ['id', 'owner', 'state', 'until', 'version', 'sealed'],
  recovery_tries: ['handle', 'until', 'version', 'sealed'],
  life: ['owner', 'keyId', 'version', 'sealed'],
  requests: [
    'owner',
    'requestId',
    'keyId',
    'state',
    'waiting',
    'version',
    'createdAt',
    'expiresAt',
    'sealed',
  ],
  attempts: ['owner', 'requestId', 'number', 'sealed'],
  matters: ['owner', 'matter', 'matterId', 'keyId', 'waiting', 'version', 'createdAt', 'expiresAt', 'sealed'],
  matter_payloads: ['owner', 'matter', 'matterId', 'sealed'],
  votes: ['owner', 'matter', 'matterId', 'approver', 'version', 'sealed'],
  asked_people: ['approver', 'matterId', 'owner', 'matter', 'sealed'],
  audit: ['sequence', 'previous', 'hash', 'sealed'],
  audit_head: ['sequence', 'hash', 'sealed'],
};

/** What names a row; of `audit_head` there is one. */
export const PRIMARY_KEYS: { readonly [T in TableName]: readonly (keyof Rows[T] & string)[] } = {
  meta: ['name'],
  accounts: ['xid'],
  invites: ['codeHash'],
  sessions: ['owner', 'sessionId'],
  session_packets: ['owner', 'sessionId', 'round', 'sender', 'receiver'],
  session_evidence: ['owner', 'sessionId', 'number'],
  keys: ['owner', 'keyId'],
  key_epochs: ['owner', 'keyId', 'epoch'],
  shares: ['owner', 'keyId', 'epoch'],
  tightenings: ['owner', 'keyId'],
  changes: ['owner', 'keyId', 'epoch'],
  shown_epochs: ['owner', 'keyId', 'epoch', 'name'],
  devices: ['owner', 'generation', 'number', 'twice'],
  young_devices: ['owner', 'id'],
  outbox: ['owner', 'id'],
  deposits: ['owner', 'receipt'],
  terms: ['owner', 'keyId', 'number', 'twice'],
  totals: ['owner', 'keyId', 'number'],
  key_devices: ['owner', 'keyId', 'generation', 'number', 'twice'],
  proven_devices: ['owner', 'keyId', 'id'],
  contacts: ['owner', 'id'],
  recoveries: ['id'],
  recovery_tries: ['handle'],
  life: ['owner', 'keyId'],
  requests: ['owner', 'requestId'],
  attempts: ['owner', 'requestId', 'number'],
  matters: ['owner', 'matter', 'matterId'],
  matter_payloads: ['owner', 'matter', 'matterId'],
  votes: ['owner', 'matter', 'matterId', 'approver'],
  asked_people: ['approver', 'matterId', 'owner', 'matter'],
  audit: ['sequence'],
  audit_head: [],
};

const FLAGS: ReadonlySet<string> = new Set(['open', 'twice', 'waiting']);

interface ColumnName {
  readonly property: string;
  readonly column: string;
  readonly flag: boolean;
}

/** `keyId` → `key_id`. */
export function columnName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const NAMES = new Map<string, readonly ColumnName[]>(
  Object.entries(COLUMNS).map(([table, properties]) => [
    table,
    properties.map((property) => ({ property, column: columnName(property), flag: FLAGS.has(property) })),
  ]),
);

/** The columns of a table as SQL names them, in the order of {@link toColumns}. */
export function columnsOf(table: TableName): readonly string[] {
  return NAMES.get(table)!.map(({ column }) => column);
}

/** A row as SQL wants it. */
export function toColumns<T extends TableName>(table: T, row: Rows[T]): Database[T] {
  const columns: Record<string, unknown> = {};
  const values = row as unknown as Record<string, unknown>;
  for (const { property, column, flag } of NAMES.get(table)!) {
    columns[column] = flag ? Number(values[property] === true) : values[property];
  }
  return columns as Database[T];
}

/** A row as the server wants it: camelCase, booleans, plain Uint8Array. */
export function fromColumns<T extends TableName>(table: T, columns: object): Rows[T] {
  const row: Record<string, unknown> = {};
  const values = columns as Record<string, unknown>;
  for (const { property, column, flag } of NAMES.get(table)!) {
    const value = values[column];
    if (flag) row[property] = value === 1;
    else if (value instanceof Uint8Array) {
      row[property] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    } else row[property] = value;
  }
  return row as unknown as Rows[T];
}

/** {@link fromColumns} for what may be absent. */
export function fromOptional<T extends TableName>(table: T, columns: object | undefined): Rows[T] | null {
  return columns === undefined ? null : fromColumns(table, columns);
}
