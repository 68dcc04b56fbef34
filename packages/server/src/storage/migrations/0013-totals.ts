import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** What was let in of a key in all, as it was after each request that is summed: a sum over a window is the difference of two rows. */
export const totals: Migration = {
  number: 13,
  name: 'totals',
  statements: (d) => [
    `create table totals (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       number ${d.integer} not null check (number >= 1),
       at ${d.integer} not null check (at >= 0),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, number)) ${d.suffix}`,
    `create index totals_by_moment on totals (owner, key_id, at, number)`,
  ],
};
