import type { Migration } from './migration.js';

/** Lists of the devices of accounts have more numbers: a recovery opens a band of its own. SQLite changes no check of a table: it is made anew. */
export const deviceBands: Migration = {
  number: 14,
  name: 'device-bands',
  statements: (d) => [
    `create table devices_in_bands (
       owner ${d.bytes} not null check (octet_length(owner) = 32) references accounts (xid),
       generation ${d.integer} not null check (generation between 0 and 65535),
       number ${d.integer} not null check (number between 0 and 32767),
       twice ${d.integer} not null check (twice in (0, 1)),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, generation, number, twice)) ${d.suffix}`,
    `insert into devices_in_bands (owner, generation, number, twice, sealed)
       select owner, generation, number, twice, sealed from devices`,
    `drop table devices`,
    `alter table devices_in_bands rename to devices`,
    `create index devices_twice on devices (owner, generation, number) where twice = 1`,
  ],
};
