import type { Dialect, Migration } from './migration.js';

/** An XID, an id or a hash: 32 bytes. */
const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;
const time = (column: string, { integer }: Dialect) => `${column} ${integer} not null check (${column} >= 0)`;
const count = (column: string, { integer }: Dialect) =>
  `${column} ${integer} not null check (${column} >= 1)`;
const epoch = ({ integer }: Dialect) => `epoch ${integer} not null check (epoch between 0 and 4294967295)`;
const flag = (column: string, { integer }: Dialect) =>
  `${column} ${integer} not null check (${column} in (0, 1))`;
const word = (column: string) => `${column} text not null check (octet_length(${column}) between 1 and 32)`;
const sealed = ({ bytes }: Dialect) => `sealed ${bytes} not null check (octet_length(sealed) >= 45)`;

function people(d: Dialect): string[] {
  return [
    `create table meta (name text not null primary key, ${sealed(d)}) ${d.suffix}`,
    `create table accounts (
       ${id('xid', d)}, status text not null check (status in ('active', 'suspended')), ${count('version', d)},
       ${time('opened_at', d)}, ${sealed(d)}, primary key (xid)) ${d.suffix}`,
    `create table invites (
       ${id('code_hash', d)}, used_by ${d.bytes} check (used_by is null or octet_length(used_by) = 32),
       ${time('created_at', d)}, ${time('expires_at', d)}, ${sealed(d)}, primary key (code_hash)) ${d.suffix}`,
    `create table seen_messages (
       ${id('xid', d)}, id ${d.bytes} not null check (octet_length(id) between 16 and 32),
       ${time('expires_at', d)}, primary key (xid, id)) ${d.suffix}`,
    `create index seen_messages_by_expiry on seen_messages (expires_at)`,
    `create table usage (
       ${id('owner', d)}, bytes ${d.integer} not null, primary key (owner)) ${d.suffix}`,
  ];
}

function sessions(d: Dialect): string[] {
  const session = `foreign key (owner, session_id) references sessions (owner, session_id)`;
  return [
    `create table sessions (
       ${id('owner', d)} references accounts (xid), ${id('session_id', d)}, ${id('key_id', d)}, ${word('state')},
       ${flag('open', d)}, ${count('version', d)}, ${time('created_at', d)}, ${time('expires_at', d)}, ${sealed(d)},
       primary key (owner, session_id)) ${d.suffix}`,
    `create index sessions_waiting on sessions (session_id, owner) where state = 'proposed'`,
    `create index sessions_open on sessions (expires_at) where open = 1`,
    `create index sessions_open_by_owner on sessions (owner) where open = 1`,
    `create index sessions_over on sessions (expires_at, owner, session_id) where open = 0`,
    `create table session_packets (
       ${id('owner', d)}, ${id('session_id', d)}, round ${d.integer} not null check (round between 0 and 255),
       sender ${d.integer} not null check (sender between 1 and 65535),
       receiver ${d.integer} not null check (receiver between 0 and 65535), ${sealed(d)},
       primary key (owner, session_id, round, sender, receiver), ${session}) ${d.suffix}`,
    `create table session_evidence (
       ${id('owner', d)}, ${id('session_id', d)}, ${count('number', d)}, ${sealed(d)},
       primary key (owner, session_id, number), ${session}) ${d.suffix}`,
  ];
}

function keys(d: Dialect): string[] {
  const key = `foreign key (owner, key_id) references keys (owner, key_id)`;
  return [
    `create table keys (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       state text not null check (state in ('pending', 'active')), ${epoch(d)}, ${count('version', d)},
       ${time('created_at', d)}, ${sealed(d)}, primary key (owner, key_id)) ${d.suffix}`,
    `create index keys_by_id on keys (key_id, owner)`,
    ...['key_epochs', 'shares'].map(
      (table) => `create table ${table} (
       ${id('owner', d)}, ${id('key_id', d)}, ${epoch(d)}, ${count('version', d)}, ${sealed(d)},
       primary key (owner, key_id, epoch), ${key} on delete cascade) ${d.suffix}`,
    ),
    `create table tightenings (
       ${id('owner', d)}, ${id('key_id', d)}, ${count('version', d)}, ${sealed(d)},
       primary key (owner, key_id), ${key} on delete cascade) ${d.suffix}`,
  ];
}

function requests(d: Dialect): string[] {
  return [
    `create table requests (
       ${id('owner', d)}, ${id('request_id', d)}, ${id('key_id', d)}, ${word('state')}, ${flag('waiting', d)},
       ${count('version', d)}, ${time('created_at', d)}, ${time('expires_at', d)}, ${sealed(d)},
       primary key (owner, request_id),
       foreign key (owner, key_id) references keys (owner, key_id)) ${d.suffix}`,
    `create index requests_by_id on requests (request_id, owner)`,
    `create index requests_by_key on requests (owner, key_id, created_at)`,
    `create index requests_waiting on requests (created_at, request_id, owner) where waiting = 1`,
    `create index requests_waiting_by_id on requests (request_id, owner) where waiting = 1`,
    `create index requests_waiting_by_owner on requests (owner) where waiting = 1`,
    `create index requests_waiting_by_expiry on requests (expires_at) where waiting = 1`,
    `create index requests_over on requests (expires_at, owner, request_id) where waiting = 0`,
    `create table attempts (
       ${id('owner', d)}, ${id('request_id', d)}, ${count('number', d)}, ${sealed(d)},
       primary key (owner, request_id, number),
       foreign key (owner, request_id) references requests (owner, request_id)) ${d.suffix}`,
  ];
}

function audit(d: Dialect): string[] {
  return [
    `create table audit (
       ${count('sequence', d)}, ${id('previous', d)}, ${id('hash', d)}, ${sealed(d)}, primary key (sequence)) ${d.suffix}`,
    `create table audit_head (
       id ${d.integer} not null primary key check (id = 1), ${count('sequence', d)}, ${id('hash', d)}, ${sealed(d)})
       ${d.suffix}`,
  ];
}

export const tables: Migration = {
  number: 1,
  name: 'tables',
  statements: (dialect) => [
    ...people(dialect),
    ...sessions(dialect),
    ...keys(dialect),
    ...requests(dialect),
    ...audit(dialect),
  ],
};
