import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/**
 * Epochs of keys as certificates proved them that were shown to this server. No reference to the key: a server that joins has none yet.
 */
export const shownEpochs: Migration = {
  number: 3,
  name: 'shown-epochs',
  statements: (d) => [
    `create table shown_epochs (
       ${id('owner', d)} references accounts (xid), ${id('key_id', d)},
       epoch ${d.integer} not null check (epoch between 0 and 4294967295),
       ${id('name', d)},
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, key_id, epoch, name)) ${d.suffix}`,
  ],
};
