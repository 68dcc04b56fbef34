import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { between, circlesOf, type Graph } from './graph.js';
import { resolveImport, SHIPPED } from './source.js';

const files: Graph = new Map(
  SHIPPED.map((file) => {
    const targets = file.imports.map(({ specifier }) => resolveImport(file, specifier)?.path);
    return [file.path, new Set(targets.filter((path) => path !== undefined))];
  }),
);

/**
 * The folder of a file. An `index.ts` stands in front of its folder and of what is below it, not inside: it gathers what
 * they give, and nothing inside may take anything from it.
 */
const folderOf = (path: string) => (path.endsWith('/index.ts') ? path : dirname(path));

describe('circles', () => {
  test('the finder finds a circle of two, of three, and of one with itself, and nothing in a tree', () => {
    const graph = (arrows: Readonly<Record<string, string>>) =>
      new Map(Object.entries(arrows).map(([name, targets]) => [name, new Set(targets)]));
    expect(circlesOf(graph({ a: 'b', b: 'c', c: 'a', d: 'a' }))).toEqual([['a', 'b', 'c']]);
    expect(circlesOf(graph({ a: 'b', b: 'a', c: 'cd', d: 'a' }))).toEqual([['a', 'b'], ['c']]);
    expect(circlesOf(graph({ a: 'bc', b: 'c', c: '' }))).toEqual([]);
  });

  test('no file imports itself by way of others, types included', () => {
    expect(circlesOf(files)).toEqual([]);
  });

  test('no package needs itself by way of others', () => {
    expect(circlesOf(between(files, (path) => path.split('/')[1]!))).toEqual([]);
  });

  test('no folder needs itself by way of others', () => {
    expect(circlesOf(between(files, folderOf))).toEqual([]);
  });
});
