import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** Lists of the devices that an owner has for one key, in order, the last of them in force; and for each number the first other list that was shown for it. */
export const keyDevices: Migration = {
  number: 9,
  name: 'key-devices',
  statements: (d) => [
    `create table key_devices (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       generation ${d.integer} not null check (generation between 0 and 65535),
       number ${d.integer} not null check (number between 0 and 1023),
       twice ${d.integer} not null check (twice in (0, 1)),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, generation, number, twice)) ${d.suffix}`,
  ],
};
