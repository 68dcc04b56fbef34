import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** Devices that an account has not had for long: how long is counted here, and a device that has no row is not young any more. */
export const youngDevices: Migration = {
  number: 5,
  name: 'young-devices',
  statements: (d) => [
    `create table young_devices (
       ${id('owner', d)} references accounts (xid), ${id('id', d)},
       version ${d.integer} not null check (version >= 1),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, id)) ${d.suffix}`,
  ],
};
