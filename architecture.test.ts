import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = import.meta.dirname;

/**
 * Who may import whom, as data. `ours`: the rooms a package may import. `theirs`: the libraries it may import.
 * `node`: whether it may use Node's own modules; where not, only the files named in `nodeFiles` may (they are chosen by
 * a package `imports` condition, so that a browser never sees them).
 */
const ROOMS: Record<
  string,
  { ours: readonly string[]; theirs: readonly string[]; node: boolean; nodeFiles?: readonly RegExp[] }
> = {
  foundation: { ours: [], theirs: [], node: false },
  threshold: {
    ours: ['foundation'],
    theirs: [
      '@noble/',
      '@scure/base',
      'sodium-native',
      'libsodium-wrappers-sumo',
      'secp256k1',
      'tiny-secp256k1',
    ],
    node: false,
    nodeFiles: [/group\/backends\//],
  },
  gordian: {
    ours: ['foundation'],
    theirs: ['@blockchaincommons/', '@noble/', '@scure/bip39', 'sodium-native'],
    node: false,
  },
  requests: {
    ours: ['foundation', 'threshold', 'gordian'],
    theirs: ['@scure/btc-signer', '@scure/base', '@noble/'],
    node: false,
  },
  api: { ours: ['foundation', 'threshold', 'gordian', 'requests'], theirs: ['zod', '@noble/'], node: false },
  client: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api'],
    theirs: ['@noble/', '@scure/bip39'],
    node: false,
    nodeFiles: [/transport\/node-transport/],
  },
  server: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api'],
    theirs: [
      'hono',
      '@hono/',
      'kysely',
      'better-sqlite3',
      'pg',
      'pino',
      'prom-client',
      'zod',
      '@noble/',
      'sodium-native',
    ],
    node: true,
  },
  cli: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server'],
    theirs: ['commander', '@clack/prompts', '@noble/'],
    node: true,
  },
  testkit: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'],
    theirs: [
      '@noble/',
      'pg',
      'better-sqlite3',
      'kysely',
      'hono',
      '@hono/',
      'playwright-core',
      '@scure/',
      'vitest',
    ],
    node: true,
  },
};

/** Inside the server: who may import whom. `http` never opens a transaction; only `sessions` advances a protocol. */
const SERVER_ROOMS: Record<string, readonly string[]> = {
  storage: ['storage'],
  http: [
    'storage',
    'vault',
    'sessions',
    'policy',
    'accounts',
    'audit',
    'config',
    'events',
    'context',
    'http',
  ],
};

/** Third-party modules that touch libraries of secrets or sockets and therefore have exactly one room. */
const ONE_ROOM: Record<string, RegExp> = {
  'sodium-native': /^(threshold\/src\/group\/backends|gordian\/src\/primitives|server\/src\/vault)\//,
  'libsodium-wrappers-sumo': /^threshold\/src\/group\/backends\//,
  secp256k1: /^threshold\/src\/group\/backends\//,
  '@blockchaincommons/': /^gordian\/src\/cbor\//,
  'better-sqlite3': /^server\/src\/storage\//,
  pg: /^server\/src\/storage\//,
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly specifier: string;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

const IMPORT =
  /^\s*(?:import|export)\s[^'";]*?\bfrom\s*['"]([^'"\s]+)['"]|^\s*import\s*['"]([^'"\s]+)['"]|\b(?:import|require)\(\s*['"]([^'"\s]+)['"]/gm;

function importsOf(path: string): Import[] {
  const file = relative(join(root, 'packages'), path).replaceAll('\\', '/');
  const room = file.split('/')[0]!;
  const code = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...code.matchAll(IMPORT)].map((match) => ({
    file,
    room,
    specifier: (match[1] ?? match[2] ?? match[3])!,
  }));
}

const files = sourceFiles(join(root, 'packages')).filter((path) => path.includes('/src/'));
const isTest = (file: string) => /\.test\.ts$|\/(test|fixtures)\//.test(file);
const shipped = files.filter((path) => !isTest(path));
const imports = shipped.flatMap(importsOf);

describe('who may import whom', () => {
  test('every package has a row in the table, and every row a package', () => {
    const packages = readdirSync(join(root, 'packages')).sort();
    expect(packages).toEqual(Object.keys(ROOMS).sort());
    expect(imports.length).toBeGreaterThan(50);
  });

  for (const [room, rule] of Object.entries(ROOMS)) {
    test(`${room} imports only what its row allows`, () => {
      const wrong = imports.filter((entry) => entry.room === room && !allowed(entry, rule));
      expect(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
    });
  }

  test('testkit is imported by tests only', () => {
    const wrong = imports.filter(
      ({ room, specifier }) => room !== 'testkit' && specifier.startsWith('@ckm/testkit'),
    );
    expect(wrong).toEqual([]);
  });

  test('nobody reaches around a package into its folders', () => {
    const wrong = imports.filter(({ specifier }) => /@ckm\/[a-z]+\/(src|dist)/.test(specifier));
    expect(wrong).toEqual([]);
  });

  test('a library that touches secrets, databases or formats has one room', () => {
    const wrong = imports.filter(({ file, room, specifier }) => {
      const owner = Object.keys(ONE_ROOM).find((name) => isModule(specifier, name));
      return owner !== undefined && room !== 'testkit' && !ONE_ROOM[owner]!.test(file);
    });
    expect(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
  });

  for (const [from, targets] of Object.entries(SERVER_ROOMS)) {
    test(`inside the server, ${from} imports only its own neighbours`, () => {
      const wrong = imports.filter(({ file, specifier }) => {
        if (!file.startsWith(`server/src/${from}/`) || !specifier.startsWith('.')) return false;
        const target = join('server/src', from, '..', ...relativeParts(file, from, specifier));
        const neighbour = relative('server/src', target).split('/')[0]!.replace(/\.js$/, '');
        return !targets.includes(neighbour);
      });
      expect(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
    });
  }

  test('http never opens a transaction', () => {
    const wrong = files
      .filter((path) => /server\/src\/http\//.test(path) && !isTest(path))
      .filter((path) => /\.transact\(/.test(readFileSync(path, 'utf8')));
    expect(wrong).toEqual([]);
  });

  test('only sessions and crafts advance a protocol', () => {
    const wrong = shipped
      .filter((path) => /\/server\/src\/(?!(sessions|crafts)\/)/.test(path))
      .filter((path) => /\.advance\(|signShare\(/.test(readFileSync(path, 'utf8')));
    expect(wrong).toEqual([]);
  });
});

function relativeParts(file: string, from: string, specifier: string): string[] {
  const folder = file.slice(`server/src/${from}/`.length).split('/').slice(0, -1);
  return [from, ...folder, ...specifier.split('/')];
}

function isModule(specifier: string, name: string): boolean {
  return name.endsWith('/')
    ? specifier.startsWith(name)
    : specifier === name || specifier.startsWith(`${name}/`);
}

function allowed({ file, specifier }: Import, rule: (typeof ROOMS)[string]): boolean {
  if (specifier.startsWith('.') || specifier.startsWith('#')) return true;
  if (specifier.startsWith('node:'))
    return rule.node || (rule.nodeFiles ?? []).some((path) => path.test(file));
  if (specifier.startsWith('@ckm/'))
    return rule.ours.includes(specifier.slice('@ckm/'.length).split('/')[0]!);
  return rule.theirs.some((name) => isModule(specifier, name));
}
