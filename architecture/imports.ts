import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ONE_ROOM, ROOMS, SERVER_LEAVES, SERVER_ORDER, SERVER_ROOMS } from './rooms.js';
import { resolveImport, ROOT, SHIPPED, type SourceFile, SOURCES } from './source.js';

interface Arrow {
  readonly file: SourceFile;
  /** Its path without `packages/`. */
  readonly where: string;
  readonly specifier: string;
}

const arrowsOf = (files: readonly SourceFile[]): Arrow[] =>
  files.flatMap((file) =>
    file.imports.map(({ specifier }) => ({ file, where: file.path.slice('packages/'.length), specifier })),
  );
const arrows = arrowsOf(SHIPPED);
const named = (wrong: readonly Arrow[]) =>
  wrong.map(({ where, specifier }) => `${where} imports ${specifier}`);
const foldersIn = (path: string) =>
  readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );

describe('who may import whom', () => {
  test('every package has a row in the table, and every row a package', () => {
    expect(foldersIn('packages').sort()).toEqual(Object.keys(ROOMS).sort());
    expect(arrows.length).toBeGreaterThan(1_000);
  });

  for (const [room, rule] of Object.entries(ROOMS)) {
    test(`${room} imports only what its row allows`, () => {
      expect(named(arrows.filter((arrow) => arrow.file.room === room && !isAllowed(arrow, rule)))).toEqual(
        [],
      );
    });
  }

  test('testkit is imported by tests only', () => {
    const wrong = arrows.filter(
      ({ file, specifier }) => file.room !== 'testkit' && isModule(specifier, '@ckm/testkit'),
    );
    expect(named(wrong)).toEqual([]);
  });

  test('nobody reaches around a package into its folders, and what is for tests stays with tests', () => {
    const around = arrowsOf(SOURCES).filter(({ specifier }) => /^@ckm\/[a-z]+\/(src|dist)/.test(specifier));
    const forTests = arrows.filter(
      ({ file, specifier }) => file.room !== 'testkit' && /^@ckm\/[a-z]+\/test(ing)?$/.test(specifier),
    );
    expect(named([...around, ...forTests])).toEqual([]);
  });

  test('no relative path leaves its package, in tests neither', () => {
    const wrong = arrowsOf(SOURCES).filter(({ file, specifier }) => {
      if (!specifier.startsWith('.')) return false;
      const target = join(file.path, '..', specifier).replaceAll('\\', '/');
      return !target.startsWith(`packages/${file.room}/`);
    });
    expect(named(wrong)).toEqual([]);
  });

  test('what is shipped takes nothing from a test, a fixture or a folder of theirs', () => {
    const wrong = arrows.filter(({ file, specifier }) => resolveImport(file, specifier)?.isTest === true);
    expect(named(wrong)).toEqual([]);
  });

  test('a library that touches secrets, databases or formats has one room', () => {
    const wrong = arrows.filter(({ file, where, specifier }) => {
      const owner = Object.keys(ONE_ROOM).find((name) => isModule(specifier, name));
      return owner !== undefined && file.room !== 'testkit' && !ONE_ROOM[owner]!.test(where);
    });
    expect(named(wrong)).toEqual([]);
  });
});

describe('inside the server', () => {
  const roomOf = (path: string) => /^packages\/server\/src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1];

  test('every folder has a row in the table, and every row a folder', () => {
    const folders = foldersIn('packages/server/src').filter((name) => name !== 'test');
    expect(folders.sort()).toEqual(Object.keys(SERVER_ROOMS).sort());
  });

  for (const [room, neighbours] of Object.entries(SERVER_ROOMS)) {
    test(`${room} imports only its own neighbours`, () => {
      const wrong = arrows.filter(({ file, specifier }) => {
        const target = roomOf(resolveImport(file, specifier)?.path ?? '');
        if (roomOf(file.path) !== room || target === undefined) return false;
        return ![room, ...neighbours, ...SERVER_LEAVES].includes(target);
      });
      expect(named(wrong)).toEqual([]);
    });
  }

  for (const [room, order] of Object.entries(SERVER_ORDER)) {
    test(`every folder of ${room} is in its list, and imports only from those before it`, () => {
      const folderOf = ({ path }: SourceFile) => path.split('/').slice(4, -1).join('/') || '.';
      const files = SHIPPED.filter(({ path }) => path.startsWith(`packages/server/src/${room}/`));
      expect([...new Set(files.map(folderOf))].sort()).toEqual([...order].sort());
      const wrong = arrows.filter(({ file, specifier }) => {
        const target = resolveImport(file, specifier);
        if (target === null || !files.includes(file) || !files.includes(target)) return false;
        return order.indexOf(folderOf(target)) > order.indexOf(folderOf(file));
      });
      expect(named(wrong)).toEqual([]);
    });
  }

  const calling = (call: RegExp, rooms: RegExp) =>
    SHIPPED.filter(({ path, code }) => rooms.test(path) && call.test(code)).map(({ path }) => path);

  test('http never opens a transaction', () => {
    expect(calling(/\.transact\(/, /\/server\/src\/http\//)).toEqual([]);
  });

  test('only sessions and crafts advance a protocol', () => {
    expect(calling(/\.advance\(|signShare\(/, /\/server\/src\/(?!sessions\/|crafts\/)/)).toEqual([]);
  });
});

function isModule(specifier: string, name: string): boolean {
  return name.endsWith('/')
    ? specifier.startsWith(name)
    : specifier === name || specifier.startsWith(`${name}/`);
}

function isAllowed({ where, specifier }: Arrow, rule: (typeof ROOMS)[string]): boolean {
  if (specifier.startsWith('.') || specifier.startsWith('#')) return true;
  if (specifier.startsWith('node:'))
    return rule.node || (rule.nodeFiles ?? []).some((path) => path.test(where));
  if (specifier.startsWith('@ckm/'))
    return rule.ours.includes(specifier.slice('@ckm/'.length).split('/')[0]!);
  return rule.theirs.some((name) => isModule(specifier, name));
}
