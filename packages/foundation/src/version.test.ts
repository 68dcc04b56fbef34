import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VERSION } from './version.js';

const ROOT = join(import.meta.dirname, '../../..');
const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly dependencies?: Readonly<Record<string, string>>;
  };

test('the version that programs state is that of every package, and the one the changes begin with', () => {
  const folders = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`);
  const stated = ['.', ...folders].flatMap((folder) => {
    const { version, dependencies = {} } = manifest(folder);
    const own = Object.entries(dependencies).filter(([name]) => name.startsWith('@ckm/'));
    return [[folder, version], ...own.map(([name, wanted]) => [`${folder} on ${name}`, wanted])];
  });
  expect(stated).toEqual(stated.map(([what]) => [what, VERSION]));
  const [, newest] = /^## (\d+\.\d+\.\d+)/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))!;
  expect(newest).toBe(VERSION);
});
