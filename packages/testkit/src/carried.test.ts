import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const SCOPE = '@blockchaincommons';
const NAMES = ['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources'];

const root = mkdtempSync(join(tmpdir(), 'ckm-carried-'));
const installed = (...path: string[]) => join(root, 'node_modules', SCOPE, ...path);
const carried = (...path: string[]) => join(root, 'packages/gordian/dist/node_modules', SCOPE, ...path);
let carry: (root: string) => void;

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

beforeAll(async () => {
  ({ carry } = (await import(join(ROOT, 'scripts/pack/carried.mjs'))) as { carry: typeof carry });
  for (const name of NAMES) {
    const manifest = {
      name: `${SCOPE}/${name}`,
      version: '1.0.0',
      scripts: { postinstall: 'node missing.js' },
      exports: { '.': { import: './dist/index.mjs', require: './dist/index.cjs' } },
    };
    put(installed(name, 'package.json'), JSON.stringify(manifest));
    put(installed(name, 'dist/index.mjs'), `export const name = '${name}';\n//# sourceMappingURL=x.map\n`);
    put(installed(name, 'dist/index.cjs'), '');
    for (const file of ['LICENSE', 'README.md']) put(installed(name, file), `${file} of ${name}`);
  }
  carry(root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('packages that travel inside ours are modules, licence and a manifest that runs nothing', () => {
  expect(readdirSync(carried()).sort()).toEqual(NAMES);
  expect(new Set(readdirSync(carried('sskr'), { recursive: true, encoding: 'utf8' }))).toEqual(
    new Set(['LICENSE', 'README.md', 'dist', 'dist/index.mjs', 'package.json']),
  );
  expect(readFileSync(carried('sskr/dist/index.mjs'), 'utf8')).toBe("export const name = 'sskr';\n");
  const manifest = JSON.parse(readFileSync(carried('sskr/package.json'), 'utf8')) as object;
  expect(manifest).not.toHaveProperty('scripts');
  expect(manifest).toMatchObject({ exports: { '.': './dist/index.mjs' } });
});

test.each([
  ['changed', (path: string) => writeFileSync(join(path, 'dist/index.mjs'), 'steal();\n')],
  ['changed at one place', (path: string) => writeFileSync(join(path, 'LICENSE'), 'LICENSE of sskR')],
  ['left out', (path: string) => rmSync(join(path, 'README.md'))],
  ['put beside them', (path: string) => writeFileSync(join(path, 'dist/more.mjs'), 'steal();\n')],
  [
    'replaced by a folder',
    (path: string) => {
      rmSync(join(path, 'LICENSE'));
      mkdirSync(join(path, 'LICENSE'));
    },
  ],
])(
  'what somebody %s there under the same version is as it was published after the next set-up',
  (_what, change) => {
    const before = mkdtempSync(join(tmpdir(), 'ckm-carried-before-'));
    cpSync(carried('sskr'), before, { recursive: true });
    change(carried('sskr'));
    carry(root);
    const filesIn = (path: string) =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    const texts = (path: string) =>
      new Map(filesIn(path).map((file) => [relative(path, file), readFileSync(file, 'utf8')]));
    expect(texts(carried('sskr'))).toEqual(texts(before));
    rmSync(before, { recursive: true });
  },
);

test('links of a page that travels lead into the repository, and are words where nobody knows its address', async () => {
  const { linkedFrom } = (await import(join(ROOT, 'scripts/pack/links.mjs'))) as {
    linkedFrom: (text: string, from: { folder: string; repository?: string }) => string;
  };
  const text = 'See [drills](../../docs/drills.md) and [CBOR](https://cbor.io).';
  const folder = 'packages/api';
  expect(linkedFrom(text, { folder })).toBe('See drills (docs/drills.md) and [CBOR](https://cbor.io).');
  expect(linkedFrom(text, { folder, repository: 'https://ckm.example/ckm' })).toBe(
    'See [drills](https://ckm.example/ckm/blob/HEAD/docs/drills.md) and [CBOR](https://cbor.io).',
  );
});
