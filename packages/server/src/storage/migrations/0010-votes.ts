import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;
const sealed = ({ bytes }: Dialect) => `sealed ${bytes} not null check (octet_length(sealed) >= 45)`;
const matter = `matter text not null check (matter in ('request', 'terms', 'order', 'export', 'thaw', 'case'))`;

/** What people are asked about by the terms of a key, what they said, and which of it waits for whom. */
export const votes: Migration = {
  number: 10,
  name: 'votes',
  statements: (d) => [
    `create table matters (
       ${id('owner', d)} references accounts (xid), ${matter}, ${id('matter_id', d)}, ${id('key_id', d)},
       waiting ${d.integer} not null check (waiting in (0, 1)),
       version ${d.integer} not null check (version >= 1),
       created_at ${d.integer} not null check (created_at >= 0),
       expires_at ${d.integer} not null check (expires_at >= 0),
       ${sealed(d)},
       primary key (owner, matter, matter_id)) ${d.suffix}`,
    `create index matters_by_expiry on matters (expires_at, owner, matter, matter_id)`,
    `create index matters_waiting on matters (waiting, owner) where waiting = 1`,
    `create table votes (
       ${id('owner', d)}, ${matter}, ${id('matter_id', d)}, ${id('approver', d)},
       version ${d.integer} not null check (version >= 1),
       ${sealed(d)},
       primary key (owner, matter, matter_id, approver),
       foreign key (owner, matter, matter_id) references matters (owner, matter, matter_id)) ${d.suffix}`,
    `create table asked_people (
       ${id('approver', d)}, ${id('matter_id', d)}, ${id('owner', d)}, ${matter},
       ${sealed(d)},
       primary key (approver, matter_id, owner, matter),
       foreign key (owner, matter, matter_id) references matters (owner, matter, matter_id)) ${d.suffix}`,
    `create index asked_people_of on asked_people (owner, matter, matter_id)`,
  ],
};
