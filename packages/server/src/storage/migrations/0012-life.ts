import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** Of keys whose terms let heirs do something after a silence: when their owner was heard here, as a count of the time since. */
export const life: Migration = {
  number: 12,
  name: 'life',
  statements: (d) => [
    `create table life (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       version ${d.integer} not null check (version >= 1),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id)) ${d.suffix}`,
  ],
};
