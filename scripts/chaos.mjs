// Random fault schedules against whole servers and clients: `npm run chaos -- --seconds 600`. Half of them on PostgreSQL where it
// is installed; `--only sqlite` or `--only postgres`; `--schedules N` instead of a time; `--seed TEXT` runs one schedule again.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { postgresPrograms, runSchedule, startPostgres } from '@ckm/testkit';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    schedules: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string' },
    parallel: { type: 'string', default: '8' },
  },
});
const say = (text) => process.stdout.write(`${text}\n`);
const wants = (database) => values.only === undefined || values.only === database;
const cluster =
  wants('postgres') && postgresPrograms() !== null ? await startPostgres({ connections: 400 }) : null;
if (wants('postgres') && cluster === null) say('chaos: PostgreSQL is not installed: SQLite only');
const databases = [...(wants('sqlite') ? [null] : []), ...(cluster === null ? [] : [cluster])];
const ends = Date.now() + Number(values.seconds) * 1000;
const most = values.seed !== undefined ? databases.length : Number(values.schedules ?? Infinity);

const sum = {
  schedules: 0,
  failed: 0,
  keys: 0,
  signatures: 0,
  shares: 0,
  epochs: 0,
  faults: new Map(),
  done: new Map(),
};
const per = { sqlite: 0, postgres: 0 };
let stop = false;
process.once('SIGINT', () => (stop = true));

async function runMany() {
  while (!isOver()) {
    const number = started++;
    const seed = values.seed ?? randomBytes(8).toString('hex');
    count(await runSchedule(seed, databases[number % databases.length]));
  }
}

function isOver() {
  return stop || started >= most || (most === Infinity && Date.now() >= ends);
}

function count(report) {
  sum.schedules += 1;
  per[report.database] += 1;
  for (const name of ['keys', 'signatures', 'shares', 'epochs']) sum[name] += report[name];
  for (const what of ['faults', 'done'])
    for (const [name, times] of report[what]) sum[what].set(name, (sum[what].get(name) ?? 0) + times);
  if (report.violations.length > 0) {
    sum.failed += 1;
    say(`chaos: FAILED with --seed ${report.seed} --only ${report.database}`);
    for (const violation of report.violations) say(`  ${violation.slice(0, 1000)}`);
  } else if (sum.schedules % 25 === 0) {
    say(
      `chaos: ${sum.schedules} schedules, ${sum.keys} keys, ${sum.signatures} signatures, ${sum.failed} failed`,
    );
  }
}

let started = 0;
try {
  // Several at once: most of a schedule is waiting.
  await Promise.all(Array.from({ length: Number(values.parallel) }, runMany));
} finally {
  await cluster?.stop();
}
const counted = (what) =>
  [...sum[what]]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
say(
  `chaos: ${sum.schedules} schedules (${per.sqlite} SQLite, ${per.postgres} PostgreSQL), ${sum.keys} keys, ${sum.epochs} epochs behind the first, ` +
    `${sum.signatures} signatures, ${sum.shares} nonces used, ${sum.failed} failed`,
);
say(`chaos: done: ${counted('done')}`);
say(`chaos: faults: ${counted('faults')}`);
process.exitCode = sum.failed > 0 ? 1 : 0;
