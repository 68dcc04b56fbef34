import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/**
 * What a server sends out to people. No reference to an account: the server's own operator is told too.
 */
export const outbox: Migration = {
  number: 6,
  name: 'outbox',
  statements: (d) => [
    `create table outbox (
       ${id('owner', d)}, ${id('id', d)},
       way text not null,
       state text not null check (state in ('waiting', 'sent', 'failed')),
       due_at ${d.integer} not null check (due_at >= 0),
       version ${d.integer} not null check (version >= 1),
       created_at ${d.integer} not null check (created_at >= 0),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, id)) ${d.suffix}`,
    `create index outbox_of_way on outbox (way, state, due_at, owner, id)`,
    `create index outbox_of_owner on outbox (owner, way, state)`,
    `create index outbox_by_state on outbox (state, due_at)`,
  ],
};
