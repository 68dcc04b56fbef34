// @module-tag long
import { execFile, spawn, spawnSync } from 'node:child_process';
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
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { initServer, type RunningServer, startServer, VERSION } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withLikeness } from './with-likeness.js';

const ROOT = join(import.meta.dirname, '../../..');
const REPOSITORY = 'https://ckm.example/ckm';
const PACKAGES = ['api', 'cli', 'client', 'foundation', 'gordian', 'requests', 'server', 'threshold'];
/** As they are published, and by `npm pack` in the folder of each. */
const WAYS = ['published', 'plain'] as const;
type Way = (typeof WAYS)[number];
const folder = mkdtempSync(join(tmpdir(), 'ckm-packages-'));
const tarballs = (way: Way) => readdirSync(join(folder, way)).map((name) => join(folder, way, name));

/** What programs import. The command is none of them, and says it by itself. */
const IMPORTED = [...PACKAGES.filter((name) => name !== 'cli'), 'client/node'];
const PRETENDED = '20.19.5';
/** Node, which says that it is an older one. */
const PRETENDING = [
  process.execPath,
  '--import',
  `data:text/javascript,${encodeURIComponent(`Object.defineProperty(process.versions, 'node', { value: '${PRETENDED}' });`)}`,
];
/** The first Node on the path that is too old, and what it calls itself; undefined: there is none. */
const olderNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((path) => join(path, 'node'))
  .map((node) => ({ node, version: String(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout) }))
  .find(({ version }) => Number(/^v(\d+)\./.exec(version)?.[1]) < 22);

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
  const [published, plain] = WAYS.map((way) => join(folder, way));
  await run(process.execPath, [
    join(ROOT, 'scripts/pack.mjs'),
    '--to',
    published!,
    '--repository',
    REPOSITORY,
  ]);
  mkdirSync(plain!);
  const [first, ...others] = PACKAGES;
  await run('npm', ['pack', '-w', `@ckm/${first!}`, '--pack-destination', plain!], ROOT);
  for (const name of others)
    await run('npm', ['pack', '--pack-destination', plain!], join(ROOT, 'packages', name));
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(WAYS)('the %s tarballs', (way) => {
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
    readonly dependencies?: Readonly<Record<string, string>>;
  }
  const unpacked = (name: string) => join(folder, 'unpacked', way, name, 'package');
  const manifest = (path: string) => JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
  const filesIn = (path: string) =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  /** Every path that a part of a manifest names, but under the keys that are left out. */
  const targets = (part: unknown, isLeftOut: (key: string) => boolean): string[] =>
    typeof part === 'string'
      ? [part]
      : Object.entries(part ?? {}).flatMap(([key, value]) =>
          isLeftOut(key) ? [] : targets(value, isLeftOut),
        );
  const keysIn = (part: unknown): string[] =>
    typeof part === 'object' && part !== null
      ? Object.entries(part).flatMap(([key, value]) => [key, ...keysIn(value)])
      : [];

  beforeAll(async () => {
    for (const name of PACKAGES) {
      const to = join(folder, 'unpacked', way, name);
      mkdirSync(to, { recursive: true });
      await run('tar', ['xzf', join(folder, way, `ckm-${name}-${VERSION}.tgz`), '-C', to]);
    }
  });

  test('are of the public packages and no others', () => {
    expect(readdirSync(join(folder, way)).sort()).toEqual(
      PACKAGES.map((name) => `ckm-${name}-${VERSION}.tgz`),
    );
  });

  test.each(PACKAGES)('that of %s says what it is and what it needs, and no script of it runs', (name) => {
    const path = unpacked(name);
    expect(readdirSync(path)).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']));
    const { engines, keywords, scripts } = manifest(path);
    expect(engines.node).toBe('>=22.13');
    expect(keywords.length).toBeGreaterThan(2);
    expect(scripts).toBeUndefined();
  });

  test.each(way === 'published' ? PACKAGES : [])('that of %s says where it comes from', (name) => {
    const path = unpacked(name);
    const { repository, homepage, bugs } = manifest(path);
    expect(repository).toEqual({
      type: 'git',
      url: `git+${REPOSITORY}.git`,
      directory: `packages/${name}`,
    });
    expect([homepage, bugs.url]).toEqual([`${REPOSITORY}#readme`, `${REPOSITORY}/issues`]);
  });

  test.each(PACKAGES)('no page of that of %s has a link that leads nowhere', (name) => {
    for (const page of ['README.md', 'CHANGELOG.md']) {
      const text = readFileSync(join(unpacked(name), page), 'utf8');
      const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!);
      expect(links.filter((target) => !target.startsWith('https://'))).toEqual([]);
    }
  });

  test.each(PACKAGES)('that of %s points at nothing that is not in it', (name) => {
    const path = unpacked(name);
    const { exports, imports, bin } = manifest(path);
    const isOurs = (key: string) => /^ckm-source$|^\.\/test$/.test(key);
    if (way === 'published') expect(keysIn([exports, imports]).filter(isOurs)).toEqual([]);
    const named = targets([exports, imports, bin], isOurs);
    expect(named.filter((target) => !existsSync(join(path, target)))).toEqual([]);
    const files = filesIn(path);
    expect(files.filter((file) => /\.map$|tsbuildinfo|\.test\.|\/(src|fixtures)\//.test(file))).toEqual([]);
    const pointing = files.filter(
      (file) => readFileSync(file, 'utf8').includes('sourceMappingURL=') && !file.endsWith('.md'),
    );
    expect(pointing).toEqual([]);
  });

  test('carry the packages that cannot be installed, with their licences and without their scripts', () => {
    const carried = join(unpacked('gordian'), 'dist/node_modules/@blockchaincommons');
    const names = readdirSync(carried).sort();
    expect(names).toEqual(['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources']);
    for (const name of names) {
      const path = join(carried, name);
      const { scripts, exports, dependencies = {} } = manifest(path);
      expect(scripts, name).toBeUndefined();
      expect(existsSync(join(path, 'LICENSE')), name).toBe(true);
      const named = targets(exports, () => false);
      expect(
        named.filter((target) => !existsSync(join(path, target))),
        name,
      ).toEqual([]);
      // No program that installs packages looks into them: what they need has to be carried too, or asked for by ours.
      const asked = Object.keys(manifest(unpacked('gordian')).dependencies ?? {});
      const needed = Object.keys(dependencies).filter((one) => !one.startsWith('@blockchaincommons/'));
      expect(asked, name).toEqual(expect.arrayContaining(needed));
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
      const ours = Object.keys(manifest(unpacked(name)).dependencies ?? {}).filter((one) =>
        one.startsWith('@ckm/'),
      );
      for (const one of ours) add(one.slice('@ckm/'.length));
    };
    add('client');
    expect(named!.split(',').toSorted()).toEqual([...needed].toSorted());
  });

  test('of the command needs nothing of ours beside it: it is all in its bundle', () => {
    const needed = Object.keys(manifest(unpacked('cli')).dependencies ?? {});
    expect(needed).toContain('better-sqlite3');
    expect(needed.filter((name) => name.startsWith('@ckm/'))).toEqual([]);
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

  async function install(
    where: string,
    scripts: readonly string[],
    packages: readonly string[],
  ): Promise<string> {
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

  // Where npm asks before it runs a script, each is allowed: what its own postinstall would break must not be there.
  const on = ['--ignore-scripts=false', '--dangerously-allow-all-scripts'];
  const off = ['--ignore-scripts'];
  test.each([
    ['published', 'on', on],
    ['published', 'off', off],
    ['plain', 'on', on],
    ['plain', 'off', off],
  ] as const)(
    'the %s ones with install scripts %s: the example of the SDK signs, and ckm says its version, makes a server and starts it',
    async (way, name, scripts) => {
      const path = await install(`${way}-${name}`, scripts, tarballs(way));
      expect(await hello(path)).toMatch(/\nit verifies$/);
      const program = join(path, 'node_modules/@ckm/cli/bin/ckm.js');
      const ckm = (...args: string[]) => run(process.execPath, [program, ...args]);
      expect(await ckm('--version')).toBe(VERSION);
      const server = join(mkdtempSync(join(folder, 'server-')), 'delta');
      await ckm('server', 'init', server, '--name', 'delta', '--listen', '127.0.0.1:0');
      const said = await startAndStop([program, 'server', 'start', server]);
      expect(said).toMatch(/^delta listens on http:/m);
      // On the oldest Node alone it has another SQLite.
      expect(said.includes('SQLITE_OF_NODE')).toBe(Number(process.versions['napi']) < 10);
    },
    300_000,
  );

  test.each(WAYS)(
    'the %s command alone installs by itself',
    async (way) => {
      const command = tarballs(way).filter((tarball) => /ckm-cli-[^/]*$/.test(tarball));
      const path = await install(`${way}-command`, [], command);
      expect(await run(join(path, 'node_modules/.bin/ckm'), ['--version'])).toBe(VERSION);
      expect(readdirSync(join(path, 'node_modules/@ckm'))).toEqual(['cli']);
    },
    120_000,
  );

  /** The first thing that a program says which imports each of the packages, under a Node that is too old. */
  function saidFirst(way: Way, [node, ...flags]: readonly string[]): readonly string[] {
    const cwd = join(folder, `${way}-off`);
    return IMPORTED.map((name) => {
      writeFileSync(join(cwd, 'program.mjs'), `import '@ckm/${name}';\n`);
      const { stderr } = spawnSync(node!, [...flags, 'program.mjs'], { cwd, encoding: 'utf8' });
      return `${name}: ${stderr.split('\n')[0]}`;
    });
  }

  const neededIn = (version: string) =>
    IMPORTED.map((name) => `${name}: UsageError: Node ${version} is too old: CKM needs 22.13 or newer`);

  test.each(WAYS)(
    'the %s ones say in their first line on an older Node which one they need',
    (way) => {
      expect(saidFirst(way, PRETENDING)).toEqual(neededIn(PRETENDED));
    },
    60_000,
  );

  test.skipIf(olderNode === undefined).each(WAYS)(
    'the %s ones do so on a Node that is older, whatever it lacks (skipped where none is on the path)',
    (way) => {
      const { node, version } = olderNode!;
      expect(saidFirst(way, [node])).toEqual(neededIn(version.trim().slice(1)));
    },
    60_000,
  );

  test.each(WAYS)(
    'a program in TypeScript finds every type of the SDK in the %s ones, also without the types of Node and without skipLibCheck',
    async (way) => {
      const path = join(folder, `${way}-off`);
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
    },
    120_000,
  );
});
