import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** Which device of its account an entry on the list of a key belongs to, as both of its keys have signed here. Never written over. */
export const provenDevices: Migration = {
  number: 15,
  name: 'proven-devices',
  statements: (d) => [
    `create table proven_devices (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)}, ${id('id', d)},
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, id)) ${d.suffix}`,
  ],
};
