import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/**
 * Terms of a key by their number: those that were in force, the change that waits behind them, and those that somebody made twice. No reference to
 * the key: its links are shown on when this server has left it.
 */
export const terms: Migration = {
  number: 8,
  name: 'terms',
  statements: (d) => [
    `create table terms (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       number ${d.integer} not null check (number between 0 and 4294967295),
       twice ${d.integer} not null check (twice in (0, 1)),
       waiting ${d.integer} not null check (waiting in (0, 1)),
       version ${d.integer} not null check (version >= 1),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, number, twice)) ${d.suffix}`,
    `create index terms_waiting on terms (owner, key_id, number) where waiting = 1`,
  ],
};
