import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

const sealed = ({ integer, bytes }: Dialect) =>
  `version ${integer} not null check (version >= 1),
   sealed ${bytes} not null check (octet_length(sealed) >= 45)`;

/**
 * Who brings an owner back, by a keyed hash of what names him; who wants to be brought back; and how often that was tried by a name, whether or not
 * anybody has it.
 */
export const waysBack: Migration = {
  number: 11,
  name: 'ways-back',
  statements: (d) => [
    `create table contacts (
       ${id('owner', d)} references accounts (xid), ${id('id', d)},
       handle ${d.bytes} check (handle is null or octet_length(handle) = 32),
       ${sealed(d)},
       primary key (owner, id)) ${d.suffix}`,
    `create index contacts_by_handle on contacts (handle, owner, id)`,
    `create table recoveries (
       ${id('id', d)}, ${id('owner', d)} references accounts (xid),
       state text not null check (state in ('waiting', 'vetoed', 'done', 'over')),
       until ${d.integer} not null check (until >= 0),
       ${sealed(d)},
       primary key (id)) ${d.suffix}`,
    `create index recoveries_of_owner on recoveries (owner, id)`,
    `create table recovery_tries (
       ${id('handle', d)},
       until ${d.integer} not null check (until >= 0),
       ${sealed(d)},
       primary key (handle)) ${d.suffix}`,
    `create index recovery_tries_over on recovery_tries (until)`,
  ],
};
