// @module-tag long
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { openSetup, type Setup, type SetupServer, startServerProcess } from '../test/run-server.js';

/**
 * The pages of docs/operate, command by command, on a server with an owner and a key that needs it. `systemctl` starts and stops
 * a process; what installs the program is left out; paths are put into a folder of the test.
 */
const PAGES = join(import.meta.dirname, '../../../../docs/operate');

let setup: Setup;
let alpha: SetupServer;
/** What stands for `/` of the machine that the commands run on. */
let machine: string;
let passphrase: string;
/** Of the shell, and of the unit. */
let environment: Readonly<Record<string, string>> = {};
/** What CKM_DATABASE_URL names. */
let database: string;

beforeAll(async () => {
  setup = await openSetup();
  alpha = setup.servers['alpha']!;
  await setup.json([
    'key',
    'create',
    'notes',
    '--for',
    'message',
    '--quorum',
    '2of2',
    '--servers',
    'alpha,bravo',
    '--yes',
  ]);
  passphrase = setup.scratch.file('backup-passphrase', 'olive canyon ferret\n');
  machine = join(setup.scratch.path, 'one');
  for (const name of ['one', 'two'])
    mkdirSync(join(setup.scratch.path, name, 'var/lib'), { recursive: true });
  await alpha.stop();
  renameSync(setup.folderOf('alpha'), folder());
  keepPort();
  // For as long as clocks may be ahead a restored server refuses messages: nobody is to wait a minute here.
  change({ limits: { clockSkewSeconds: 1 } });
  alpha = await startServerProcess(folder());
}, 120_000);
afterAll(async () => {
  await alpha.stop('SIGKILL');
  await setup.close();
});
beforeEach(() => {
  rmSync(join(setup.scratch.path, 'mnt'), { recursive: true, force: true });
  for (const name of ['stick', 'archive', 'backups'])
    mkdirSync(join(setup.scratch.path, 'mnt', name), { recursive: true });
});

const folder = () => join(machine, 'var/lib/ckm');

function change(settings: object): void {
  const path = join(folder(), 'config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...settings }));
}

/** The same port after each start from now on, as a server has it. */
function keepPort(): void {
  change({ listen: { host: '127.0.0.1', port: Number(new URL(alpha.url).port) } });
}

/** The commands of a page, in the order in which they stand there. */
function commandsOf(page: string): readonly string[] {
  const blocks = readFileSync(join(PAGES, `${page}.md`), 'utf8').split(/^ *```.*$/m);
  const lines = blocks.filter((_, at) => at % 2 === 1).flatMap((block) => block.split('\n'));
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

function inScratch(command: string): string {
  const { path } = setup.scratch;
  return command
    .replaceAll('/var/lib/', join(machine, 'var/lib/'))
    .replaceAll('/mnt/', join(path, 'mnt/'))
    .replaceAll('/tmp/nowhere', join(path, 'tmp/nowhere'))
    .replaceAll('/etc/ckm/backup-passphrase', passphrase)
    .replaceAll('https://alpha.example.org', alpha.url);
}

/** Runs one command of a page as its reader would. */
async function follow(command: string): Promise<void> {
  const [program, ...words] = inScratch(command).split(' ');
  if (program === 'ckm') return followCkm(words);
  if (program === 'export') environment = { CKM_DATABASE_URL: database };
  else if (program === 'unset') environment = {};
  else if (program === 'systemctl') {
    if (words[0] === 'stop') await alpha.stop();
    else if (words[0] === 'start') alpha = await startServerProcess(folder(), [], environment);
    else expect(['enable', 'disable']).toContain(words[0]);
  } else if (['shred', 'rm', 'mv'].includes(program!)) execFileSync('sh', ['-c', inScratch(command)]);
  else expect(['git pull', 'node scripts/setup.mjs']).toContain(command);
}

async function followCkm(words: readonly string[]): Promise<void> {
  const isOwners = words[0] !== 'server' || words[1] === 'add';
  const takesPassphrase = !isOwners && ['backup', 'drill', 'restore'].includes(words[1]!);
  const typed =
    takesPassphrase && !words.includes('--passphrase-file') ? ['--passphrase-file', passphrase] : [];
  const args = [...words, ...typed, ...(isOwners ? ['--yes'] : [])];
  const command = () => (isOwners ? setup.ckm(args) : callCkm(args, { environment }));
  let outcome = await command();
  // For a moment a server that was restored takes no messages, and says so: its owner asks again.
  if (isOwners) {
    const again = async () => {
      if (outcome.stderr.includes('MESSAGE_BEFORE_RESTORE')) outcome = await command();
      return outcome.stderr;
    };
    await expect.poll(again, { timeout: 30_000, interval: 1_000 }).not.toContain('MESSAGE_BEFORE_RESTORE');
  }
  expect(outcome.status, `ckm ${args.join(' ')}: ${outcome.stderr}`).toBe(0);
}

/** Follows a page to its end. `before`: what happens before the first command that begins like that. */
async function followPage(page: string, before: Readonly<Record<string, () => unknown>> = {}): Promise<void> {
  const events = new Map(Object.entries(before));
  for (const command of commandsOf(page)) {
    const due = [...events.keys()].find((start) => command.startsWith(start));
    if (due !== undefined) {
      await events.get(due)!();
      events.delete(due);
    }
    await follow(command);
  }
  expect([...events.keys()]).toEqual([]);
}

/** For a moment a server that was restored takes no messages. */
async function assertSigns(): Promise<void> {
  const command = ['sign', 'notes', '--message', 'still here', '--yes'];
  const signers = () =>
    setup.json<{ signers: readonly string[] }>(command).then(
      (signed) => signed.signers.join(),
      (error: Error) => error.message,
    );
  await expect.poll(signers, { timeout: 30_000, interval: 1_000 }).toBe('alpha,bravo');
}

const newest = async () => {
  const { stdout } = await callCkm(['server', 'audit', 'show', folder(), '--json']);
  return stdout;
};

describe('an operator who follows the pages of docs/operate', () => {
  test('backup.md: has backups that a restore would take, one of them without epoch keys', async () => {
    await followPage('backup');
    for (const file of ['stick/alpha-2026-11-29.backup', 'archive/alpha.backup'])
      expect(existsSync(join(setup.scratch.path, 'mnt', file))).toBe(true);
    expect(readdirSync(join(setup.scratch.path, 'mnt/backups'))).toEqual([
      expect.stringMatching(/^alpha-.+\.backup$/),
    ]);
    const { stdout } = await callCkm(['server', 'status', folder()]);
    expect(stdout).toMatch(/^last backup +\S*(now|second|20)/m);
    expect(existsSync(join(setup.scratch.path, 'tmp/nowhere'))).toBe(false);
    await assertSigns();
  }, 120_000);

  test('drill.md: knows that its backup would bring every share back, and when it last looked', async () => {
    await followPage('drill');
    const { stdout } = await callCkm(['server', 'status', folder()]);
    expect(stdout).toMatch(/^last drill +(?!none)/m);
    expect(await newest()).toContain('operator.drill');
    await assertSigns();
  }, 120_000);

  test('restore.md: has the server again when its disk is lost, and its owner signs on', async () => {
    await follow('ckm server backup /var/lib/ckm /mnt/stick/alpha.backup');
    await followPage('restore', { 'ckm server restore': () => rmSync(folder(), { recursive: true }) });
    await assertSigns();
    expect(await newest()).toContain('server.restore');
  }, 120_000);

  test('move.md: has the server on another machine at another address, and its owner signs on', async () => {
    const [one, two] = [machine, join(setup.scratch.path, 'two')];
    await followPage('move', {
      'ckm server restore': () => (machine = two),
      'systemctl enable': () => change({ listen: { host: '127.0.0.1', port: 0 } }),
      shred: async () => {
        await assertSigns();
        machine = one;
      },
    });
    expect(existsSync(folder())).toBe(false);
    machine = two;
    keepPort();
  }, 120_000);

  test.skipIf(postgresPrograms() === null)(
    'database.md: has the server on PostgreSQL and back, and its owner signs on in both (skipped when PostgreSQL is not installed)',
    async () => {
      const cluster = await startPostgres();
      try {
        database = await cluster.createDatabase();
        await followPage('database', {
          'ckm server backup': assertSigns,
          'ckm server move /var/lib/ckm --to sqlite': () =>
            expect(existsSync(join(folder(), 'ckm.sqlite'))).toBe(false),
        });
        await assertSigns();
        expect((await newest()).match(/server\.move/g)).toHaveLength(2);
      } finally {
        await cluster.stop();
      }
    },
    120_000,
  );

  test('upgrade.md: has the server again under the new version, and can go back to the one before', async () => {
    await followPage('upgrade');
    await assertSigns();
    expect(await newest()).toContain('server.restore');
  }, 120_000);
});
