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
 * Folders that need each other, package by package: how many of them stand in a knot today. A number only falls; where
 * it reaches 0 the line goes. Both neighbours of an arrow between two knotted folders are meant to be read together.
 */
const KNOTTED: Readonly<Record<string, number>> = {
  api: 2,
  gordian: 2,
  requests: 8,
  server: 24,
  testkit: 3,
  threshold: 11,
};

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

  test('folders that need each other become fewer, and never more', () => {
    const knotted: Record<string, number> = {};
    for (const circle of circlesOf(between(files, dirname))) {
      const room = circle[0]!.split('/')[1]!;
      knotted[room] = (knotted[room] ?? 0) + circle.length;
    }
    expect(knotted).toEqual(KNOTTED);
  });
});
