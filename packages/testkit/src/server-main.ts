import { createRequire, syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { startServer } from '@ckm/server';
import { sqliteLibrary } from '@ckm/server/testing';
import type { PlannedKill } from './server-process.js';

/**
 * A server in a process of its own, started as `ckm server start` does it. Told to by whoever started it, it kills itself before or
 * behind one of its steps: a commit of its database, or the removal of a key file. The product knows nothing of it: the drivers of
 * databases and the file system are bent here. Argument: data directory.
 */
const [dataDir = ''] = process.argv.slice(2);

interface Statement {
  run(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown;
}
interface SqliteDriver {
  readonly prototype: { prepare(sql: string): Statement };
}
interface PostgresDriver {
  readonly Client: { readonly prototype: { query(...parameters: unknown[]): unknown } };
}

/** Tables that say how far a change or a repair has come. What else a commit writes goes with it, and names it no further. */
const TELLING = new Set(['changes', 'key_epochs', 'keys', 'session_packets', 'sessions', 'shares']);
const WRITES = /^\s*(?:insert into|update|delete from) "(\w+)"/i;
/** As `epochKeys` calls them; what is being written has another ending. */
const KEY_FILE = /^(session-)?[0-9a-f]{64}$/;

let plan: (PlannedKill & { left: number }) | null = null;
/** Names of steps since it was told last; null: it was told nothing yet. */
let passed: string[] | null = null;

/** Not a signal to ourselves that others could handle: the kernel ends the process here and now. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Takes a step, unless this process dies around it. @param nameOf empty: it writes nothing that tells */
function take<T>(kind: 'commit' | 'removal', nameOf: () => string, step: () => T): T {
  if (passed === null) return step();
  const name = nameOf();
  if (name !== '') passed.push(name);
  const isOne = plan !== null && (plan.step === name || plan.step === kind) && --plan.left === 0;
  if (isOne && plan!.when === 'before') die();
  const done = step();
  if (!isOne) return done;
  if (done instanceof Promise) return done.then(die) as T;
  die();
  return done;
}

/** A commit goes by the tables that it writes. */
function nameOf(written: ReadonlySet<string>): () => string {
  return () => [...written].sort().join(' ');
}

function bendSqlite({ prototype }: SqliteDriver): void {
  const { prepare } = prototype;
  const written = new Set<string>();
  prototype.prepare = function bent(this: unknown, sql: string): Statement {
    const statement = prepare.call(this, sql);
    const table = WRITES.exec(sql)?.[1] ?? '';
    const [run, all] = [statement.run.bind(statement), statement.all.bind(statement)];
    if (sql === 'begin immediate')
      statement.run = (...parameters) => {
        written.clear();
        return run(...parameters);
      };
    if (sql === 'commit')
      statement.run = (...parameters) => take('commit', nameOf(written), () => run(...parameters));
    if (!TELLING.has(table)) return statement;
    statement.run = (...parameters) => {
      written.add(table);
      return run(...parameters);
    };
    // A deletion that tells what it has deleted.
    statement.all = (...parameters) => {
      written.add(table);
      return all(...parameters);
    };
    return statement;
  };
}

/** What only reads ends with a commit too, of which nothing depends: it is no step. */
function bendPostgres({ Client: { prototype } }: PostgresDriver): void {
  const { query } = prototype;
  const writing = new WeakMap<object, Set<string>>();
  prototype.query = function bent(this: object, ...parameters: unknown[]): unknown {
    const [sql] = parameters;
    const ask = () => query.apply(this, parameters);
    if (typeof sql !== 'string') return ask();
    if (/^(begin|start transaction)/.test(sql))
      if (sql.endsWith('read only')) writing.delete(this);
      else writing.set(this, new Set());
    const written = writing.get(this);
    if (written === undefined) return ask();
    const table = WRITES.exec(sql)?.[1] ?? '';
    if (TELLING.has(table)) written.add(table);
    return sql === 'commit' ? take('commit', nameOf(written), ask) : ask();
  };
}

function bendFiles(): void {
  const files = process.getBuiltinModule('node:fs');
  const { unlinkSync } = files;
  const bent: typeof unlinkSync = (path) => {
    const found = KEY_FILE.exec(basename(String(path)));
    if (found === null) return unlinkSync(path);
    const whose = found[1] === undefined ? 'share' : 'session';
    return take(
      'removal',
      () => `the key of a ${whose} goes`,
      () => unlinkSync(path),
    );
  };
  Object.assign(files, { unlinkSync: bent });
  syncBuiltinESMExports();
}

function sqliteDriver(): SqliteDriver {
  if (sqliteLibrary() === 'node') return process.getBuiltinModule('node:sqlite').DatabaseSync as never;
  return load('better-sqlite3') as SqliteDriver;
}

const load = createRequire(import.meta.url);
bendFiles();
if (process.env['CKM_DATABASE_URL'] === undefined) bendSqlite(sqliteDriver());
else bendPostgres(load('pg') as PostgresDriver);
const server = await startServer({ dataDir });
process.on('message', (message) => {
  const { kill } = message as { readonly kill: PlannedKill | null };
  plan = kill === null ? null : { ...kill, left: kill.nth };
  process.send!(passed ?? []);
  passed = [];
});
process.channel?.unref();
process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
process.on('SIGTERM', () => void server.close());
await server.closed;
