import type { Migration } from './migration.js';

/**
 * Lists of the devices of accounts that are no longer in force, in the order in which they were, and for each number the first other list that was
 * shown for it. The list in force is in the row of its account.
 */
export const devices: Migration = {
  number: 4,
  name: 'devices',
  statements: (d) => [
    `create table devices (
       owner ${d.bytes} not null check (octet_length(owner) = 32) references accounts (xid),
       generation ${d.integer} not null check (generation between 0 and 65535),
       number ${d.integer} not null check (number between 0 and 1023),
       twice ${d.integer} not null check (twice in (0, 1)),
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, generation, number, twice)) ${d.suffix}`,
    `create index devices_twice on devices (owner, generation, number) where twice = 1`,
  ],
};
