import pg from 'pg';

/**
 * Remembers what is in every table of a PostgreSQL database, and puts it back while servers go on using it: what loading
 * an old dump under running servers does.
 */
export async function snapshotDatabase(url: string): Promise<{ restore(): Promise<void> }> {
  await withClient(url, async (client) => {
    await client.query('drop schema if exists snapshot cascade; create schema snapshot');
    for (const table of await tablesOf(client)) {
      await client.query(`create table snapshot.${table} as table public.${table}`);
    }
  });
  return {
    restore: () =>
      withClient(url, async (client) => {
        const tables = await tablesOf(client);
        await client.query('begin; set local session_replication_role = replica');
        await client.query(`truncate ${tables.map((table) => `public.${table}`).join(', ')}`);
        for (const table of tables) await client.query(`insert into public.${table} table snapshot.${table}`);
        await client.query('commit');
      }),
  };
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
  );
  return rows.map(({ name }) => name);
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
