// Makes a tarball of each public package: `npm run pack -- --to FOLDER [--repository URL]`. What is compiled here is not yet what
// somebody else can install (docs/adr/0025): each package is put together anew in a folder of its own, and `npm pack` packs that.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { copyCompiled, removeTraces } from './pack/compiled.mjs';
import { bundledIn, carry, CARRIED, writeNotices } from './pack/carried.mjs';
import { manifestOf } from './pack/manifest.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** In the order of their arrows; testkit is for this repository alone. */
const PACKAGES = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];

const { values } = parseArgs({ options: { to: { type: 'string' }, repository: { type: 'string' } } });
const target = resolve(values.to ?? join(ROOT, 'packed'));
const repository = values.repository ?? originOf(ROOT);
if (repository === undefined)
  process.stderr.write(
    'pack: the remote origin of this clone is no page of the web: the packages name no repository; name it with --repository URL\n',
  );
mkdirSync(target, { recursive: true });
const stage = mkdtempSync(join(tmpdir(), 'ckm-pack-'));
try {
  for (const name of PACKAGES) pack(name);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function pack(name) {
  const from = join(ROOT, 'packages', name);
  const to = join(stage, name);
  mkdirSync(to);
  const isProgram = name === 'cli';
  copyCompiled(from, to, isProgram);
  if (isProgram) writeNotices(ROOT, to, bundledIn(to));
  const carried = name === 'gordian' ? CARRIED : [];
  if (carried.length > 0) carry(ROOT, to);
  const manifest = manifestOf(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')), {
    isProgram,
    carried: carried.map((one) => [one, versionOf(one)]),
    repository,
    folder: `packages/${name}`,
    versionOf,
  });
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(to, file));
  writeFileSync(join(to, 'README.md'), linkedFrom(readFileSync(join(from, 'README.md'), 'utf8'), name));
  removeTraces(to);
  const made = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', target], {
    cwd: to,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`npm pack fails for ${name}: ${made.stderr}`);
  process.stdout.write(`${join(target, `ckm-${name}-${manifest.version}.tgz`)}\n`);
}

/** Of an installed package. */
function versionOf(name) {
  return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** Links into the repository lead there; without one they are words. */
function linkedFrom(text, name) {
  return text.replaceAll(/\[([^\]]+)\]\((?!https?:)([^)\s]+)\)/g, (_link, words, path) => {
    const inside = join('packages', name, path).replaceAll('\\', '/');
    if (repository === undefined) return `${words} (${inside})`;
    return `[${words}](${repository}/blob/HEAD/${inside})`;
  });
}

/** The address of the remote `origin` as a page; undefined where there is none. */
function originOf(folder) {
  const { status, stdout } = spawnSync('git', ['remote', 'get-url', 'origin'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const url = stdout
    .trim()
    .replace(/^git@([^:]+):/, 'https://$1/')
    .replace(/\.git$/, '');
  return url.startsWith('https://') ? url : undefined;
}
