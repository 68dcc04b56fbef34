// The measured part of docs/scaling.md: tables, and one drawing, from figures of one run.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';

const BEGIN = '<!-- measured -->';
const END = '<!-- end of what was measured -->';
/** The busiest hour of a day has so many times its average, and a server is kept at half of what it can do. */
const PEAK = 10;
const LOAD = 0.5;
const DAY = 86_400;

const KINDS = [
  ['list', '`key.list`: a question'],
  ['ask', '`request.ask` without an attempt'],
  ['attempt', '`request.ask` with an attempt: a signature'],
  ['prepare', '`craft.prepare`: 32 commitments'],
  ['key', 'all steps of making a key'],
];

/** Replaces what stands between the two marks. */
export async function writeScaling(root, figures) {
  const path = join(root, 'docs/scaling.md');
  const text = readFileSync(path, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${path} has no place for figures`);
  const measured = `${BEGIN}\n\n${sections(figures).join('\n\n')}\n\n`;
  const whole = `${text.slice(0, before)}${measured}${text.slice(after)}`;
  writeFileSync(path, await format(whole, { parser: 'markdown', printWidth: 130, proseWrap: 'preserve' }));
}

function sections({ sqlite, postgres, commits, ways }) {
  return [
    `Measured on: Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, everything on one machine, commits that wait for the disk; \`npm run bench -- --scaling\` measures again and writes this part.`,
    '### What a request costs one server',
    'Milliseconds of one processor (CPU time; what else runs on the machine raises it through caches, by up to a third between runs), with eight requests at a time.',
    costs(sqlite, postgres),
    '### What one server carries',
    carried(sqlite, postgres),
    '### What a second process adds, and what routes are worth',
    ways === null ? 'Not measured: HAProxy is not installed on this machine.' : routed(ways),
    '### Where the database is the limit',
    limits(commits, postgres),
    '### All of it in one picture',
    drawing(sqlite, postgres, commits),
  ];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function costs(sqlite, postgres) {
  return table(
    [
      'request',
      'on SQLite',
      'on PostgreSQL: server',
      'and database',
      'transactions that write',
      'KiB of its log',
    ],
    KINDS.map(([kind, name]) => {
      const { server, database, commits, wal } = postgres[kind];
      const numbers = [sqlite[kind].server, server, database].map((ms) => ms.toFixed(ms < 10 ? 2 : 0));
      return [name, ...numbers, commits.toFixed(1), (wal / 1024).toFixed(1)];
    }),
  );
}

/** Signatures a second: an event loop has one processor, and the database the rest of two. */
function capacity({ attempt: { server, database } }) {
  return Math.min(1000 / server, 2000 / (server + database));
}

function carried(sqlite, postgres) {
  const row = (name, each) => {
    const owners = (perDay) => Math.round((each * LOAD * DAY) / (PEAK * perDay) / 10) * 10;
    return [name, Math.round(each), ...[1, 10, 100].map((perDay) => owners(perDay).toLocaleString('en'))];
  };
  return table(
    ['one server on two processors', 'signatures a second', 'owners at 1 a day', 'at 10', 'at 100'],
    [row('SQLite', capacity(sqlite)), row('PostgreSQL on the same machine', capacity(postgres))],
  );
}

function routed(ways) {
  const names = {
    one: 'one process',
    routed: 'two, `balance hdr(CKM-Route)`',
    turns: 'two, `balance roundrobin`',
  };
  const server = ({ servers, signatures }) => servers / signatures;
  const rows = Object.entries(names).map(([way, name]) => {
    const { signatures, attempts, failed, servers, two, postgres } = ways[way];
    return [
      name,
      (servers / signatures).toFixed(2),
      `${(server(ways[way]) / server(ways.one)).toFixed(2)}×`,
      (postgres / signatures).toFixed(2),
      (attempts / signatures).toFixed(2),
      `${((100 * failed) / (signatures + failed)).toFixed(1)} %`,
      `${Math.round((100 * two) / servers)} %`,
    ];
  });
  return table(
    [
      'alpha as',
      'server, ms each',
      'ratio',
      'database, ms each',
      'attempts each',
      'failed',
      'by the second process',
    ],
    rows,
  );
}

function limits({ postgres, sqlite }, { attempt }) {
  const rows = [
    ['PostgreSQL, one after the other', postgres.one],
    ['PostgreSQL, eight connections of one process', postgres.eight],
    ['PostgreSQL, eight of each of two processes', postgres.processes],
    ['PostgreSQL, eight, the same without the entry of the audit log', postgres.apart],
    ['SQLite, one process', Math.max(sqlite.one, sqlite.eight)],
  ].map(([name, each]) => [name, Math.round(each)]);
  const byCpu = Math.round(1000 / attempt.database);
  return `${table(['transactions of a signature, and nothing else', 'a second'], rows)}

By its processor time alone PostgreSQL would write down ${byCpu} signatures a second for each processor it has.`;
}

const WIDTH = 44;

function drawing(sqlite, postgres, { postgres: rates }) {
  const one = 1000 / postgres.attempt.server;
  const most = Math.max(rates.eight, rates.processes);
  const bars = [
    ['one server, SQLite', 1000 / sqlite.attempt.server],
    ['one process, PostgreSQL', one],
    ['two processes', 2 * one],
    ['four processes', 4 * one],
    ['what the database wrote', most],
  ];
  const scale = Math.max(...bars.map(([, each]) => each));
  const lines = bars.map(([name, each]) => {
    const bar = '█'.repeat(Math.max(1, Math.round((each / scale) * WIDTH)));
    return `${name.padEnd(24)} ${bar} ${Math.round(each)}`;
  });
  return [
    '```text',
    'signatures a second, each process with a processor of its own (two and four: multiples of one)',
    ...lines,
    '```',
  ].join('\n');
}
