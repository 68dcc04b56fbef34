import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { columnName, type Database, PRIMARY_KEYS, type Queries } from '../database.js';
import type { TableName } from '../rows.js';
import { openFile } from '../sqlite/driver.js';
import type { Handle } from '../sqlite/handle.js';
import { checksum, migrate, MIGRATIONS } from './migrate.js';
import { DIALECTS, type Migration } from './migration.js';

let folder: string;
let handle: Handle;
let queries: Queries;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-migrate-'));
  handle = openFile(join(folder, 'ckm.sqlite'), { timeout: 0 });
  queries = new Kysely<Database>({ dialect: new SqliteDialect({ database: handle }) });
});
afterEach(async () => {
  await queries.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const extra = (statement: string): Migration => ({
  number: MIGRATIONS.length + 1,
  name: 'extra',
  statements: () => [statement],
});

describe('migrations', () => {
  test('run once each, in order, and are numbered without a gap', async () => {
    await migrate(queries, 'sqlite');
    await migrate(queries, 'sqlite');
    expect(handle.prepare('select number, name from migrations').all([])).toEqual([
      { number: 1, name: 'tables' },
      { number: 2, name: 'changes' },
      { number: 3, name: 'shown-epochs' },
      { number: 4, name: 'devices' },
      { number: 5, name: 'young-devices' },
      { number: 6, name: 'outbox' },
      { number: 7, name: 'deposits' },
      { number: 8, name: 'terms' },
      { number: 9, name: 'key-devices' },
      { number: 10, name: 'votes' },
      { number: 11, name: 'ways-back' },
      { number: 12, name: 'life' },
      { number: 13, name: 'totals' },
      { number: 14, name: 'device-bands' },
      { number: 15, name: 'proven-devices' },
      { number: 16, name: 'matter-payloads' },
    ]);
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, at) => at + 1));
  });

  test('a later step is applied to an earlier database, without touching what is there', async () => {
    await migrate(queries, 'sqlite');
    handle.prepare('insert into meta (name, sealed) values (?, ?)').run(['kept', Buffer.alloc(45)]);
    await migrate(queries, 'sqlite', {
      migrations: [...MIGRATIONS, extra('alter table meta add column note text')],
    });
    expect(handle.prepare('select name, note from meta').all([])).toEqual([{ name: 'kept', note: null }]);
  });

  test('a table that is made anew keeps its rows', async () => {
    // Tables of later steps are missing still.
    await expect(migrate(queries, 'sqlite', { migrations: MIGRATIONS.slice(0, 13) })).rejects.toMatchObject({
      code: 'STORAGE_SCHEMA_WRONG',
    });
    handle.exec('pragma foreign_keys = off');
    const row = {
      owner: Buffer.alloc(32, 1),
      generation: 2,
      number: 1_023,
      twice: 1,
      sealed: Buffer.alloc(45),
    };
    const columns = Object.keys(row).join(', ');
    handle.prepare(`insert into devices (${columns}) values (?, ?, ?, ?, ?)`).run(Object.values(row));
    await migrate(queries, 'sqlite');
    const [kept] = handle.prepare(`select ${columns} from devices`).all([]) as (typeof row)[];
    // Bytes are a Buffer by one library and a Uint8Array by the other.
    const { owner, sealed } = kept!;
    expect({ ...kept, owner: Buffer.from(owner), sealed: Buffer.from(sealed) }).toEqual(row);
  });

  test('a database written by a newer program is refused', async () => {
    await migrate(queries, 'sqlite', { migrations: [...MIGRATIONS, extra('create table later (x) ')] });
    await expect(migrate(queries, 'sqlite')).rejects.toMatchObject({ code: 'STORAGE_SCHEMA_NEWER' });
  });

  test('a step that was edited after it was applied is refused', async () => {
    await migrate(queries, 'sqlite', { migrations: [...MIGRATIONS, extra('create table later (x)')] });
    await expect(
      migrate(queries, 'sqlite', { migrations: [...MIGRATIONS, extra('create table later (y)')] }),
    ).rejects.toMatchObject({
      code: 'STORAGE_SCHEMA_WRONG',
    });
  });

  test('a table that lost a column is found at start, not at the first signature', async () => {
    await migrate(queries, 'sqlite');
    handle.exec('alter table keys rename column created_at to made_at');
    await expect(migrate(queries, 'sqlite')).rejects.toMatchObject({
      code: 'STORAGE_SCHEMA_WRONG',
      message: expect.stringContaining('keys'),
    });
  });

  test('V64: a walk over a table passes over no row, because what it goes by names each: it is the primary key', async () => {
    await migrate(queries, 'sqlite');
    for (const [table, names] of Object.entries(PRIMARY_KEYS) as [TableName, readonly string[]][]) {
      if (table === 'audit_head') continue;
      const columns = handle.prepare(`pragma table_info(${table})`).all([]) as {
        readonly name: string;
        readonly pk: number;
      }[];
      const keyed = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      expect([table, ...keyed.map(({ name }) => name)]).toEqual([table, ...names.map(columnName)]);
    }
  });

  test('the statements of released steps never change', () => {
    const checksums = Object.values(DIALECTS).map((dialect) =>
      MIGRATIONS.map((step) => checksum(step, dialect)),
    );
    expect(checksums).toEqual([
      [
        '9cff29c0411e3c829a7c9741d33607f659d2eb8d22340152250491d020a5e609',
        '95d7d267592f1fdeb495ec1bee0da13010ca7bfc6f94a6a8027c997194b228f1',
        '4ec646df1da4abf761a8acc208910a767bd362a2e221d1ad88bf5d44f5b1ecf2',
        '2d4d47fa046f1383cb2ffdb1ab277b9e997655335c4dff591a63b26fcca293e8',
        '6ddd3f4a66e89486e76954022da461759e836697be9a568c5bae8d6d348c7a5b',
        '709ac23d6c75498ee0737ce57f4f1c76b6bece77217755359998bd9815787462',
        'f2762a8593a4b41d30ba2e05db439361b34c3998eff3d1389e45d7b0c8bb61e5',
        'a0e4b8dbd0f83cbfc45b8e07cabdb7f6b7a96f97aeae7306500e3e7c657aa515',
        '73a117422f1432a55173825b788b545229b1dabf4bcde91deec17da5f6f18928',
        '8c6b25935763c07a1a7e0b5715c7a24e0035277517b46d4624a9c2d81e8284d3',
        '8a7996e21c8aadaf0ff7d5cc45977f39dcd06578ed5bbfd3f949d2125e8014c5',
        'cf23e7a5d7c6bc35aa874c6bb4e2f7d46d18a90a67ea7bf03e93f0010ed1ec07',
        '7a5689f0295ea957acd1c017de1bb79570bdea5f35624254aa816d73723e7522',
        'ad7e2bbcb359c5182026fbd4f809dd4b9582c7f13cc97f5742595e65d8ee1ce4',
        'adf6841e2c929bfbb0393d406d18517c565966e17c2bb45b1cbb5648d32e68c7',
        'a030848338e76d95f2be92f11ce41c667ed1ce92c578a95df184077df163c0ff',
      ],
      [
        'b8f4456ffb51a2530b964aef325fd578aa8053df5974a2ef2e6973d4d33e9d5b',
        'ab570061da381d485c5bd8a2e00b2e6af6759ac45984bd3b0d1e789dc6a6dd35',
        '86c968b799d6d63e2e8c1a4642244849880a1e8e0d62593f3a266919d9b765c1',
        '8905fe96d44fa74906d5cf5d72838a0c8b9bc247c501e777d4b4f924fae8ff71',
        '557b21d52a0d9d4d2a14c36be59e888b51e8bf669668f55ca01ba5e546e7b398',
        '0dad2e8f7cbdd877c13d44113ec89df86b843c241e6999fa3f1fc2c4f14d3a7e',
        '8dbcb20a76627a1b93b8cca7b291959ecb4298565888dd12e04d27e4c2ea013f',
        '8a5ae3e08ce7b20ab0ad8df2b474d1b4b3aab015441479488f47b28e0887a8c3',
        '405533d5abd4ac05f074def6647e402cd3cd56169e886b7d6aaa00ce10d7ff8a',
        '51afbca8a326bf49c1b2a9caa8b8659b8e4b1cd5b996fa442b3f37285cbbec6e',
        '6787db20a11588f2195cacdde937d67d67e58ccef9bb5e01c8efa6258085b0f0',
        '77bbb80d30b24450df607fbf688bc39540beb5b3b932d5cf3c0ac9d45a2655e9',
        '180c009818249de450ef48eb7f57c97a2218f5c83ab6e8f24ef211102aad3e77',
        '615a36eb36479954c076cb6ff2fb4228dd47edd12e9411fbb4c3a6ab8b2fc348',
        '0d112cfdd405e7d5d2b4fe06fc300dadad07d1ed6ca102972b5032273bed03cf',
        'de7bce51e765e563918d5b981f451f9262693351cd8878eb141308f3fde5754f',
      ],
    ]);
  });
});
