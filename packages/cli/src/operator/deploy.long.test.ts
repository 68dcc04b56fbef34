// @module-tag long
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectOperator, type RunningServer, startServer } from '@ckm/server';
import { describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { scratchFolder } from '../test/run-ckm.js';

const ROOT = join(import.meta.dirname, '../../../..');
const unitAt = (name: string) => join(ROOT, 'deploy', name);
const UNIT = unitAt('ckm.service');
/** Of 10, where 10 is a service that may do everything. Source: systemd-analyze(1), `security`. */
const MOST_EXPOSED = 2.5;

describe.skipIf(!hasProgram('systemd-analyze', '--version'))(
  'the units for systemd (need systemd-analyze)',
  () => {
    test.each(['ckm.service', 'ckm-backup.service'])(
      `%s leaves what it starts exposed to no more than ${MOST_EXPOSED}`,
      (unit) => {
        const { stdout } = spawnSync(
          'systemd-analyze',
          ['security', '--offline=true', '--no-pager', unitAt(unit)],
          { encoding: 'utf8' },
        );
        const exposed = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
        expect(Number(exposed)).toBeLessThanOrEqual(MOST_EXPOSED);
      },
    );

    test.each(['ckm.service', 'ckm-backup.service', 'ckm-backup.timer'])(
      '%s names nothing that systemd does not know',
      (unit) => {
        const { stderr } = spawnSync('systemd-analyze', ['verify', unitAt(unit)], { encoding: 'utf8' });
        // The program is installed where the unit is, not here.
        const complaints = stderr
          .split('\n')
          .filter((line) => line !== '' && !line.includes('is not executable'));
        expect(complaints).toEqual([]);
      },
    );
  },
);

test('the unit for systemd can be enabled, and reloads a renewed certificate', () => {
  const unit = readFileSync(UNIT, 'utf8');
  for (const line of [
    '[Unit]',
    '[Install]',
    'WantedBy=multi-user.target',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ])
    expect(unit.split('\n')).toContain(line);
});

async function startNew(folder: string): Promise<RunningServer> {
  await callCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0']);
  return startServer({
    dataDir: folder,
    variables: { CKM_ALLOW_INSPECT: '1' },
    logDestination: { write: () => undefined },
  });
}

test('the unit of the nightly backup takes its passphrase encrypted to the machine', () => {
  const unit = readFileSync(unitAt('ckm-backup.service'), 'utf8');
  expect(unit).toMatch(/^LoadCredentialEncrypted=ckm-backup-passphrase:/m);
  expect(unit).not.toMatch(/^LoadCredential=/m);
});

test('a backup of a log that somebody has cut is written and is not kept as a good one; nor is one without epoch keys', async () => {
  const scratch = scratchFolder();
  const folder = `${scratch.path}/ckm`;
  const passphrase = scratch.file('passphrase', 'olive canyon ferret\n');
  const inDatabase = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(join(folder, 'ckm.sqlite'));
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  const lastEntry = () =>
    inDatabase((database) => Number(database.prepare('SELECT max(sequence) AS at FROM audit').get()!['at']));
  /** What it wrote to the log: that it was begun, and where it is a good one, that too. */
  const backUp = async (file: string, ...more: readonly string[]) => {
    const before = lastEntry();
    const path = `${scratch.path}/${file}`;
    const words = ['server', 'backup', folder, path, '--passphrase-file', passphrase, ...more];
    const outcome = await callCkm(words);
    expect(existsSync(path)).toBe(true);
    return { ...outcome, entries: lastEntry() - before };
  };
  try {
    await (await startNew(folder)).close();
    expect(await backUp('archive', '--without-epoch-keys')).toMatchObject({ status: 0, entries: 1 });
    expect(await backUp('whole')).toMatchObject({ status: 0, entries: 2 });
    inDatabase((database) => database.exec('DELETE FROM audit WHERE sequence = 1'));
    const cut = await backUp('cut', '--json');
    expect(cut).toMatchObject({ status: 74, entries: 1 });
    expect(JSON.parse(cut.stdout)).toMatchObject({ logFault: expect.any(String) as string });
    expect(cut.stderr).toContain('ckm: code: AUDIT_BROKEN');
    // Its start would say the same.
    expect(cut.stderr).toContain('ckm explain STORAGE_WENT_BACK');
  } finally {
    scratch.remove();
  }
});

test('the unit of the nightly backup makes one each time it is started, removes old ones, and keeps the newest and what is of others', async () => {
  const scratch = scratchFolder();
  const folder = `${scratch.path}/ckm`;
  const backups = `${scratch.path}/ckm-backups`;
  mkdirSync(backups);
  // Once started, and stopped again: of a server that never ran there is nothing to keep.
  await (await startNew(folder)).close();
  const unit = readFileSync(unitAt('ckm-backup.service'), 'utf8');
  const commandOf = (name: string) =>
    new RegExp(`^${name}=/usr/bin/ckm (.+)$|^${name}=(.+)$`, 'm')
      .exec(unit)!
      .slice(1)
      .join('')
      .replaceAll('/var/lib/', `${scratch.path}/`)
      .replace('%d/ckm-backup-passphrase', scratch.file('passphrase', 'olive canyon ferret\n'));
  const [, environment = ''] = /^Environment=(.+)$/m.exec(unit)!;
  const tidy = (name: string) =>
    expect(spawnSync('env', [environment, 'sh', '-c', commandOf(name)]).status).toBe(0);
  const old = new Date(Date.now() - 31 * 86_400_000);
  const earlier = Array.from({ length: 7 }, (_, day) => `alpha-2025-03-0${day + 1}T02-30-00Z.backup`);
  const others = ['bravo-2025-03-01T02-30-00Z.backup', 'notes.txt', 'old.backup'];
  const unfinished = ['alpha-2025-03-08T02-30-00Z.backup.new', 'alpha-2025-03-09T02-30-00Z.backup.new'];
  const faulty = ['alpha-2025-04-08T02-30-00Z.faulty.backup', 'alpha-2025-04-09T02-30-00Z.faulty.backup'];
  for (const name of [...earlier, ...others, ...unfinished, ...faulty]) {
    writeFileSync(join(backups, name), 'x');
    if (name !== unfinished[1] && name !== faulty[1]) utimesSync(join(backups, name), old, old);
  }
  try {
    for (let night = 0; night < 2; night++) {
      tidy('ExecStartPre');
      const { status, stderr } = await callCkm(commandOf('ExecStart').split(' '));
      expect([status, stderr.includes('error')]).toEqual([0, false]);
    }
    tidy('ExecStartPost');
    const left = readdirSync(backups);
    const made = left.filter((name) => !name.includes('2025') && name.startsWith('alpha-'));
    expect(made).toHaveLength(2);
    for (const name of made) expect(name).toMatch(/^alpha-\d{4}-\d\d-\d\dT[\d-]{8}Z\.backup$/);
    // Seven good ones of its own, what is not its own, and what somebody may be writing or looking at.
    const kept = [...earlier.slice(2), ...made, ...others, unfinished[1]!, faulty[1]!];
    expect(left.toSorted()).toEqual(kept.toSorted());
  } finally {
    scratch.remove();
  }
});

test('every metric that an alert looks at is one that a server shows', async () => {
  const scratch = scratchFolder();
  const folder = `${scratch.path}/alpha`;
  const server = await startNew(folder);
  try {
    const shown = await connectOperator(folder).metrics();
    const alerts = readFileSync(join(ROOT, 'deploy/alerts.yaml'), 'utf8');
    const named = new Set([...alerts.matchAll(/\bckm_[a-z_]+/g)].map(([name]) => name));
    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !shown.includes(`# TYPE ${name} `))).toEqual([]);
  } finally {
    await server.close();
    scratch.remove();
  }
});

test('the container file copies and starts what there is', () => {
  const steps = readFileSync(join(ROOT, 'deploy/Containerfile'), 'utf8');
  const [, program = ''] = /ln -s \/opt\/ckm\/(\S+) \/usr\/local\/bin\/ckm/.exec(steps) ?? [];
  expect(existsSync(join(ROOT, program))).toBe(true);
  expect(statSync(join(ROOT, program)).mode & 0o111).not.toBe(0);
  for (const [, copied] of steps.matchAll(/COPY --from=build \/src\/(\S+)/g))
    expect(existsSync(join(ROOT, copied!))).toBe(true);
  // Servers that somebody made in the clone by the README's tour stay out of every layer.
  const left = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  expect(left).toEqual(expect.arrayContaining(['/alpha', '/bravo', '/charlie']));
  // It runs as nobody who may do anything, and takes no secret from its environment.
  expect(steps).toMatch(/^USER node$/m);
  expect(steps.split('\n').filter((step) => /^(ENV|ARG) /.test(step))).toEqual([
    'ENV CKM_LISTEN=0.0.0.0:8470',
  ]);
});

test('docs/operating.md says of each part of the unit what it is for, as the first line of the unit promises', () => {
  const page = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8');
  const named = [...readFileSync(UNIT, 'utf8').matchAll(/^#?([A-Z]\w+)=/gm)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(40);
  // What it is called, it says itself.
  const isExplained = (name: string) => name === 'Description' || page.includes(`\`${name}\``);
  expect(named.filter((name) => !isExplained(name))).toEqual([]);
});
