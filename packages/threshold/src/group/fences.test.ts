import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const source = join(import.meta.dirname, '..');

function files(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'test' ? [] : files(path);
    return /(?<!\.test|\.d)\.ts$/.test(entry.name) ? [path] : [];
  });
}

const read = (path: string) => readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
const importsOf = (path: string) =>
  [...read(path).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
const ours = ['group', 'hash', 'sharing', 'proofs'].flatMap((room) => files(join(source, room)));

/** Every module a browser loads, starting from what `#backends` means there. */
function reachable(path: string, seen = new Set<string>()): Set<string> {
  for (const specifier of importsOf(path)) {
    const target = specifier.startsWith('.')
      ? join(dirname(path), specifier.replace(/\.js$/, '.ts'))
      : specifier;
    if (seen.has(target)) continue;
    seen.add(target);
    if (specifier.startsWith('.')) reachable(target, seen);
  }
  return seen;
}

describe('fences around the arithmetic', () => {
  test('there is something to look at', () => {
    expect(ours.length).toBeGreaterThan(25);
  });

  test('what a browser loads reaches no module of Node and no native addon', () => {
    const modules = reachable(join(source, 'group/backends/portable.ts'));
    expect([...modules]).toContain('libsodium-wrappers-sumo');
    const forbidden = [...modules].filter((name) => /^(node:|sodium-native|secp256k1)/.test(name));
    expect(forbidden).toEqual([]);
  });

  test('only the backends that a package condition chooses import modules of Node', () => {
    const wrong = ours.filter((path) => importsOf(path).some((name) => name.startsWith('node:')));
    expect(wrong.every((path) => /group\/backends\/node-[a-z0-9-]+\.ts$/.test(path))).toBe(true);
  });

  test('V67: no weak randomness, no uninitialised memory, no text copy of bytes', () => {
    const forbidden = /Math\.random|allocUnsafe|JSON\.stringify|encodeHex|toHex|toString\(16\)|console\./;
    expect(ours.filter((path) => forbidden.test(read(path)))).toEqual([]);
  });

  test('V67: secrets meet bigint only where noble takes nothing else', () => {
    const wrong = ours.filter((path) => /bytesToInteger\(/.test(read(path)));
    const names = wrong.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort();
    expect(names).toEqual(['limbs.ts', 'noble.ts', 'node-openssl-p256.ts', 'scalar-field.ts']);
  });

  test('libsecp256k1 is its native addon, never the fallback in JavaScript', () => {
    const specifiers = ours.flatMap(importsOf).filter((name) => name.startsWith('secp256k1'));
    expect([...new Set(specifiers)]).toEqual(['secp256k1/bindings.js']);
  });
});
