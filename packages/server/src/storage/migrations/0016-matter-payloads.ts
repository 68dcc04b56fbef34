import type { Dialect, Migration } from './migration.js';

const id = (column: string, { bytes }: Dialect) =>
  `${column} ${bytes} not null check (octet_length(${column}) = 32)`;

/** What is asked for in a matter, apart from what is listed of it. Matters of before have it in their own row until they are over. */
export const matterPayloads: Migration = {
  number: 16,
  name: 'matter-payloads',
  statements: (d) => [
    `create table matter_payloads (
       ${id('owner', d)}, matter text not null, ${id('matter_id', d)},
       sealed ${d.bytes} not null check (octet_length(sealed) >= 45),
       primary key (owner, matter, matter_id),
       foreign key (owner, matter, matter_id) references matters (owner, matter, matter_id)) ${d.suffix}`,
  ],
};
