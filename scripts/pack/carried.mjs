// Packages of others that travel inside a tarball of ours (docs/adr/0025).
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each runs a script after it was installed that is not in its own tarball: `npm install` fails at it. */
const CARRIED = ['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources'].map(
  (name) => `@blockchaincommons/${name}`,
);
const MAP_COMMENT = /^\/\/# sourceMappingURL=.*$\n?/gm;

/**
 * Puts them where the compiled modules of `@ckm/gordian` find them before any others, and where `npm pack` takes them for files
 * like all the rest: ES modules, types and licence, as they were published.
 */
export function carry(root) {
  for (const name of CARRIED) {
    const from = join(root, 'node_modules', name);
    const to = join(root, 'packages/gordian/dist/node_modules', name);
    if (isThere(from, to)) continue;
    mkdirSync(join(to, 'dist'), { recursive: true });
    for (const file of readdirSync(join(from, 'dist')).filter((one) => /\.mjs$|\.d\.mts$/.test(one)))
      writeFileSync(join(to, 'dist', file), readText(from, 'dist', file).replaceAll(MAP_COMMENT, ''));
    for (const file of ['LICENSE', 'README.md']) cpSync(join(from, file), join(to, file));
    // Last: it says that the others are there.
    const manifest = `${JSON.stringify(carriedManifest(JSON.parse(readText(from, 'package.json'))), null, 2)}\n`;
    writeFileSync(join(to, 'package.json'), manifest);
  }
}

function isThere(from, to) {
  const versionIn = (folder) => JSON.parse(readText(folder, 'package.json')).version;
  return existsSync(join(to, 'package.json')) && versionIn(to) === versionIn(from);
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
