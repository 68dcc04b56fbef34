// Makes a tarball of each public package as it is published: `npm run pack -- --to FOLDER [--repository URL]`. A plain `npm pack`
// gives what installs just as well (docs/adr/0025); here links and manifest say besides where it comes from, and nothing that only
// this repository uses.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { linkedFrom } from './pack/links.mjs';
import { publishedManifest } from './pack/manifest.mjs';
import { PACKAGES } from './pack/papers.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

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
  const [{ files }] = npmPack(from, ['--dry-run']);
  for (const { path } of files) cpSync(join(from, path), join(to, path));
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const published = publishedManifest(manifest, { repository, folder: `packages/${name}` });
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  for (const [file, folder] of [
    ['README.md', `packages/${name}`],
    ['CHANGELOG.md', '.'],
  ]) {
    const text = readFileSync(join(ROOT, folder, file), 'utf8');
    writeFileSync(join(to, file), linkedFrom(text, { folder, repository }));
  }
  const [{ filename }] = npmPack(to, ['--pack-destination', target]);
  process.stdout.write(`${join(target, filename)}\n`);
}

/** What npm says of a tarball: its name and the files in it. */
function npmPack(cwd, args) {
  const made = spawnSync('npm', ['pack', '--ignore-scripts', '--json', ...args], { cwd, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`npm pack fails in ${cwd}: ${made.stderr}`);
  return JSON.parse(made.stdout);
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
