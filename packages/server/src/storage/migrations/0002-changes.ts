import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/**
 * What a server remembers of changes of who holds a key. No reference to the key: a server that joins has none yet.
 */
export const changes: Migration = {
  number: 2,
  name: 'changes',
  statements: (d) => [
    `create table changes (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       epoch ${d.integer} not null check (epoch between 0 and 4294967295),
       waiting ${d.integer} not null check (waiting in (0, 1)),
       version ${d.integer} not null check (version >= 1),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, epoch)) ${d.suffix}`,
    `create index changes_waiting on changes (owner, key_id, epoch) where waiting = 1`,
  ],
};
