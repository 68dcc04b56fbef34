// Packages of others that travel inside a tarball of ours (docs/adr/0025).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Each runs a script after it was installed that is not in its own tarball: `npm install` fails at it. */
const CARRIED = ['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources'].map(
  (name) => `@blockchaincommons/${name}`,
);
const MAP_COMMENT = /^\/\/# sourceMappingURL=.*$\n?/gm;

/**
 * Puts them where the compiled modules of `@ckm/gordian` find them before any others, and where `npm pack` takes them for files
 * like all the rest: ES modules, types and licence, as they were published. What is there otherwise, or besides, is replaced.
 */
export function carry(root) {
  for (const name of CARRIED) {
    const files = publishedFiles(join(root, 'node_modules', name));
    const to = join(root, 'packages/gordian/dist/node_modules', name);
    if (holdsJust(to, files)) continue;
    rmSync(to, { recursive: true, force: true });
    mkdirSync(join(to, 'dist'), { recursive: true });
    for (const [file, text] of files) writeFileSync(join(to, file), text);
  }
}

/** Path and text of each file that goes along. */
function publishedFiles(from) {
  const modules = readdirSync(join(from, 'dist')).filter((file) => /\.mjs$|\.d\.mts$/.test(file));
  const manifest = carriedManifest(JSON.parse(readText(from, 'package.json')));
  return new Map([
    ...modules.map((file) => [`dist/${file}`, readText(from, 'dist', file).replaceAll(MAP_COMMENT, '')]),
    ...['LICENSE', 'README.md'].map((file) => [file, readText(from, file)]),
    ['package.json', `${JSON.stringify(manifest, null, 2)}\n`],
  ]);
}

function holdsJust(folder, files) {
  if (!existsSync(folder)) return false;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => !entry.isDirectory());
  return (
    found.length === files.size &&
    found.every((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() && readText(path) === files.get(relative(folder, path).replaceAll('\\', '/'));
    })
  );
}

/** What names nothing that stays behind: no scripts, no CommonJS, no sources. */
function carriedManifest({ exports, ...manifest }) {
  const kept = ['name', 'version', 'description', 'license', 'type', 'engines', 'dependencies'];
  const entries = Object.entries(exports).map(([path, entry]) => [path, entry.import ?? entry]);
  return {
    ...Object.fromEntries(kept.map((key) => [key, manifest[key]])),
    exports: Object.fromEntries(entries),
  };
}

function readText(...path) {
  return readFileSync(join(...path), 'utf8');
}
