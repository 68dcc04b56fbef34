// A server that does of one exchange of a signature only what no server can leave out; `signing-floor.mjs` starts it.
// By path: /http answers bytes; /row inserts a row and puts it on the disk besides; /all makes the native calls, too;
// /agreed leaves out the key agreement of each message.
import Database from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { openNatively, sealNatively, shareNatively } from './native-calls.mjs';

const folder = process.argv[2];
const answer = randomBytes(Number(process.argv[3]));
const file = join(folder, 'floor.sqlite');
const database = new Database(file);
for (const pragma of ['locking_mode = EXCLUSIVE', 'journal_mode = WAL', 'synchronous = NORMAL'])
  database.pragma(pragma);
database.exec('create table rows (id blob not null primary key, sealed blob not null) strict, without rowid');
const insert = database.prepare('insert into rows values (?, ?)');
const log = await open(`${file}-wal`, 'r+');

let waiting = [];
let syncing = false;

/** Inserts of one turn of the event loop share a transaction and a sync, as in our own queue of writes. */
function store(id, bytes) {
  return new Promise((resolve, reject) => {
    waiting.push({ id, bytes, resolve, reject });
    if (!syncing && waiting.length === 1) setImmediate(() => void writeAll());
  });
}

async function writeAll() {
  const batch = waiting;
  waiting = [];
  syncing = true;
  try {
    database.transaction(() => {
      for (const { id, bytes } of batch) insert.run(id, bytes);
    })();
    await log.datasync();
    for (const { resolve } of batch) resolve();
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
  syncing = false;
  if (waiting.length > 0) setImmediate(() => void writeAll());
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.once('end', () => void reply(request.url, Buffer.concat(parts), response));
});

async function reply(path, message, response) {
  const isAgreed = path === '/agreed';
  const isNative = isAgreed || path === '/all';
  if (isNative) {
    openNatively(message, { isAgreed });
    shareNatively();
  }
  if (path !== '/http') await store(randomBytes(32), message);
  if (isNative) sealNatively(answer, { isAgreed });
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': answer.length });
  response.end(answer);
}

server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`));
// Ends with whoever started it.
process.once('disconnect', () => process.exit(0));
