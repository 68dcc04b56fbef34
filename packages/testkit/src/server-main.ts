import { createRequire } from 'node:module';
import { startServer } from '@ckm/server';
import { sqliteLibrary } from '@ckm/server/testing';

/**
 * A server in a process of its own, started as `ckm server start` does it. Told to, it kills itself at a commit of
 * its database, counted from the moment it listens: the product knows nothing of it, the database driver is bent here.
 * Arguments: data directory, `before` | `after` | `never`, which commit.
 */
const [dataDir = '', when = 'never', nth = '0'] = process.argv.slice(2);

interface Statement {
  run(...parameters: unknown[]): unknown;
}
interface Driver {
  readonly prototype: { prepare(sql: string): Statement };
}

let left = Number.POSITIVE_INFINITY;

/** Not a signal to ourselves that others could handle: the kernel ends the process here and now. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function bendCommits({ prototype }: Driver): void {
  const { prepare } = prototype;
  prototype.prepare = function bent(this: unknown, sql: string): Statement {
    const statement = prepare.call(this, sql);
    if (sql !== 'commit') return statement;
    const run = statement.run.bind(statement);
    statement.run = (...parameters) => {
      const isLast = --left === 0;
      if (isLast && when === 'before') die();
      const result = run(...parameters);
      if (isLast && when === 'after') die();
      return result;
    };
    return statement;
  };
}

function driver(): Driver {
  if (sqliteLibrary() === 'node') return process.getBuiltinModule('node:sqlite').DatabaseSync as never;
  return createRequire(import.meta.url)('better-sqlite3') as Driver;
}

if (when !== 'never') bendCommits(driver());
const server = await startServer({ dataDir });
left = Number(nth);
process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
process.on('SIGTERM', () => void server.close());
await server.closed;
