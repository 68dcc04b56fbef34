import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** Small things that an account keeps here, sealed by itself, each named by its receipt. */
export const deposits: Migration = {
  number: 7,
  name: 'deposits',
  statements: (d) => [
    `create table deposits (
       ${id('owner', d)} references accounts (xid), ${id('receipt', d)},
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, receipt)) ${d.suffix}`,
  ],
};
