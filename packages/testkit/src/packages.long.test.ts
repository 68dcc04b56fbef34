// @module-tag long
import { execFile, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { initServer, type RunningServer, startServer, VERSION } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withLikeness } from './with-likeness.js';

const ROOT = join(import.meta.dirname, '../../..');
const REPOSITORY = 'https://ckm.example/ckm';
const PACKAGES = ['api', 'cli', 'client', 'foundation', 'gordian', 'requests', 'server', 'threshold'];
const folder = mkdtempSync(join(tmpdir(), 'ckm-packages-'));
const tarballs = () => readdirSync(join(folder, 'packed')).map((name) => join(folder, 'packed', name));

/** A program to its end, with Node's own folder first, so that npm runs under the Node of this test. */
async function run(program: string, args: readonly string[], cwd = folder): Promise<string> {
  // npm tells its scripts how it is set up here; an empty folder knows nothing of that.
  const own = Object.entries(process.env).filter(([key]) => !/^npm_(?!config_(registry|cache)$)/.test(key));
  const env = { ...Object.fromEntries(own), PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
  const { stdout } = await promisify(execFile)(program, [...args], { cwd, env, timeout: 280_000 });
  return stdout.trim();
}

const hasRegistry = await run('npm', ['view', '@noble/hashes@2.4.0', 'version', '--prefer-offline']).then(
  () => true,
  () => false,
);
if (!hasRegistry)
  process.stderr.write('packages.test: no registry of packages answers; the tarballs are not installed\n');

beforeAll(async () => {
  await run(process.execPath, [
    join(ROOT, 'scripts/pack.mjs'),
    '--to',
    join(folder, 'packed'),
    '--repository',
    REPOSITORY,
  ]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarballs', () => {
  interface Manifest {
    readonly name: string;
    readonly engines: { readonly node: string };
    readonly repository: unknown;
    readonly homepage: string;
    readonly bugs: { readonly url: string };
    readonly keywords: readonly string[];
    readonly scripts?: unknown;
    readonly exports: unknown;
    readonly imports?: unknown;
    readonly bin?: unknown;
    readonly dependencies: Readonly<Record<string, string>>;
  }
  const unpacked = (name: string) => join(folder, 'unpacked', name, 'package');
  const manifest = (path: string) => JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
  const filesIn = (path: string) =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  /** Every path that a part of a manifest names. */
  const targets = (part: unknown): string[] =>
    typeof part === 'string' ? [part] : Object.values(part ?? {}).flatMap(targets);
  const conditions = (part: unknown): string[] =>
    typeof part === 'object' && part !== null
      ? Object.entries(part).flatMap(([key, value]) => [key, ...conditions(value)])
      : [];

  beforeAll(async () => {
    for (const name of PACKAGES) {
      mkdirSync(join(folder, 'unpacked', name), { recursive: true });
      const tarball = join(folder, 'packed', `ckm-${name}-${VERSION}.tgz`);
      await run('tar', ['xzf', tarball, '-C', join(folder, 'unpacked', name)]);
    }
  });

  test('are of the public packages and no others', () => {
    expect(readdirSync(join(folder, 'packed')).sort()).toEqual(
      PACKAGES.map((name) => `ckm-${name}-${VERSION}.tgz`),
    );
  });

  test.each(PACKAGES)('that of %s says what it is, where it comes from and what it needs', (name) => {
    const path = unpacked(name);
    const files = readdirSync(path);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']));
    const { engines, repository, homepage, bugs, keywords, scripts } = manifest(path);
    expect(repository).toEqual({
      type: 'git',
      url: `git+${REPOSITORY}.git`,
      directory: `packages/${name}`,
    });
    expect([homepage, bugs.url]).toEqual([`${REPOSITORY}#readme`, `${REPOSITORY}/issues`]);
    expect(engines.node).toBe('>=22.14');
    expect(keywords.length).toBeGreaterThan(2);
    expect(scripts).toBeUndefined();
    const links = [...readFileSync(join(path, 'README.md'), 'utf8').matchAll(/\]\(([^)]+)\)/g)];
    expect(links.map(([, target]) => target).filter((target) => !target!.startsWith('https://'))).toEqual([]);
  });

  test.each(PACKAGES)('that of %s points at nothing that is not in it', (name) => {
    const path = unpacked(name);
    const { exports, imports, bin } = manifest(path);
    const named = targets([exports, imports, bin]).filter((target) => !existsSync(join(path, target)));
    expect(named).toEqual([]);
    expect(conditions([exports, imports]).filter((key) => /^ckm-|\/test/.test(key))).toEqual([]);
    const files = filesIn(path);
    expect(files.filter((file) => /\.map$|tsbuildinfo|\.test\.|\/(src|fixtures)\//.test(file))).toEqual([]);
    const pointing = files.filter(
      (file) => readFileSync(file, 'utf8').includes('sourceMappingURL=') && !file.endsWith('.md'),
    );
    expect(pointing).toEqual([]);
  });

  test('carry the packages that cannot be installed, with their licences and without their scripts', () => {
    const carried = join(unpacked('gordian'), 'node_modules/@blockchaincommons');
    const names = readdirSync(carried).sort();
    expect(names).toEqual(['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources']);
    for (const name of names) {
      expect(manifest(join(carried, name)).scripts, name).toBeUndefined();
      expect(existsSync(join(carried, name, 'LICENSE')), name).toBe(true);
    }
    const notices = readFileSync(join(unpacked('cli'), 'NOTICE'), 'utf8');
    for (const name of ['commander', 'hono', 'kysely', '@noble/curves', '@blockchaincommons/dcbor', 'zod'])
      expect(notices).toContain(`\n${name} `);
  });

  test('that the guide to the SDK names are all that the SDK needs of ours, and no others', () => {
    const guide = readFileSync(join(ROOT, 'docs/sdk.md'), 'utf8');
    const [, named] = /npm install \/tmp\/packed\/ckm-\{([a-z,]+)\}-\*\.tgz/.exec(guide)!;
    const needed = new Set<string>();
    const add = (name: string) => {
      if (needed.has(name)) return;
      needed.add(name);
      const ours = Object.keys(manifest(unpacked(name)).dependencies).filter((one) =>
        one.startsWith('@ckm/'),
      );
      for (const one of ours) add(one.slice('@ckm/'.length));
    };
    add('client');
    expect(named!.split(',').toSorted()).toEqual([...needed].toSorted());
  });

  test('of the command needs nothing of ours beside it: it is all in its bundle', () => {
    const { dependencies } = manifest(unpacked('cli'));
    expect(Object.keys(dependencies).filter((name) => name.startsWith('@ckm/'))).toEqual([]);
  });
});

describe.skipIf(!hasRegistry)('the tarballs, installed into an empty folder', () => {
  const servers: RunningServer[] = [];
  beforeAll(async () => {
    for (const name of ['alpha', 'bravo', 'charlie']) {
      const dataDir = join(folder, 'servers', name);
      const listen = { host: '127.0.0.1', port: 0 };
      await initServer({ dataDir, settings: { name, listen, accounts: 'open', log: { level: 'silent' } } });
      servers.push(await startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1' } }));
    }
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  async function install(where: string, scripts: readonly string[], packages = tarballs()): Promise<string> {
    const path = join(folder, where);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), '{ "private": true, "type": "module" }\n');
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier'];
    await run('npm', ['install', '--engine-strict', ...quiet, ...scripts, ...packages], path);
    return path;
  }

  /** The SDK's example, as an owner whom nobody knows yet. */
  async function hello(path: string): Promise<string> {
    cpSync(join(ROOT, 'examples/node/hello.mjs'), join(path, 'hello.mjs'));
    const owner = mkdtempSync(join(folder, 'alice-'));
    const running = promisify(execFile)(
      process.execPath,
      ['hello.mjs', owner, ...(await withLikeness(servers.map(({ url }) => url)))],
      {
        cwd: path,
        timeout: 100_000,
      },
    );
    running.child.stdin!.end('river lamp seven onions\n');
    return (await running).stdout.trim();
  }

  /** What a server says first, which is ended then. */
  async function startAndStop(args: readonly string[]): Promise<string> {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('listens on')) child.kill('SIGTERM');
      });
    await new Promise((resolve) => child.once('close', resolve));
    return said;
  }

  test.each([
    // Where npm asks before it runs a script, each is allowed: what its own postinstall would break must not be there.
    ['on', ['--ignore-scripts=false', '--dangerously-allow-all-scripts']],
    ['off', ['--ignore-scripts']],
  ])(
    'with install scripts %s: the example of the SDK signs, and ckm says its version, makes a server and starts it',
    async (name, scripts) => {
      const path = await install(name, scripts);
      expect(await hello(path)).toMatch(/\nit verifies$/);
      const program = join(path, 'node_modules/@ckm/cli/bin/ckm.js');
      const ckm = (...args: string[]) => run(process.execPath, [program, ...args]);
      expect(await ckm('--version')).toBe(VERSION);
      const server = join(mkdtempSync(join(folder, 'server-')), 'delta');
      await ckm('server', 'init', server, '--name', 'delta', '--listen', '127.0.0.1:0');
      expect(await startAndStop([program, 'server', 'start', server])).toMatch(/^delta listens on http:/);
    },
    300_000,
  );

  test('the command alone installs by itself', async () => {
    const path = await install(
      'command',
      [],
      tarballs().filter((tarball) => /ckm-cli-[^/]*$/.test(tarball)),
    );
    expect(await run(join(path, 'node_modules/.bin/ckm'), ['--version'])).toBe(VERSION);
    expect(readdirSync(join(path, 'node_modules/@ckm'))).toEqual(['cli']);
  }, 120_000);

  test('a program in TypeScript finds every type of the SDK, also without the types of Node and without skipLibCheck', async () => {
    const path = join(folder, 'off');
    writeFileSync(
      join(path, 'program.mts'),
      `import { createClient, memoryStore, message, secret } from '@ckm/client';
import { fileStore, openSeedFile } from '@ckm/client/node';
const client = createClient({ seed: secret(new Uint8Array(32)), store: memoryStore() });
const { artefact } = await client.sign({ key: 'notes', ...message('hello') });
export const first: number | undefined = artefact[0];
export const other = createClient({ seed: () => openSeedFile('seed', secret('x')), store: fileStore('store') });
`,
    );
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [compiler, ...options, '--lib', 'es2023,dom', 'program.mts'], path);
  }, 120_000);
});
