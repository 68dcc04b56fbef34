// What a tarball has beside its code: licence, changes, and whose code is in the bundle of the command.
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkedFrom } from './links.mjs';

/** In the order of their arrows; testkit is for this repository alone. */
export const PACKAGES = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];
const PERMISSIVE = [
  'Unlicense',
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSD-2-Clause-Patent',
  '0BSD',
];

/**
 * Puts them into the folder of each public package: `npm pack` takes nothing from above it.
 * @throws Error where a licence in the bundle is not permissive, or its text is missing
 */
export function layPapers(root) {
  const changes = linkedFrom(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), { folder: '.' });
  for (const name of PACKAGES) {
    cpSync(join(root, 'LICENSE'), join(root, 'packages', name, 'LICENSE'));
    writeFileSync(join(root, 'packages', name, 'CHANGELOG.md'), changes);
  }
  const notice = join(root, 'packages/cli/NOTICE');
  const bundle = join(root, 'packages/cli/dist/bundle');
  if (!isNewer(notice, join(bundle, 'ckm.js'))) writeFileSync(notice, noticesOf(root, bundledIn(bundle)));
}

function isNewer(path, other) {
  return existsSync(path) && statSync(path).mtimeMs > statSync(other).mtimeMs;
}

/** The packages whose modules are in a bundle: rolldown says before each module where it was. */
function bundledIn(folder) {
  const modules = readdirSync(folder).flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(
      /^\/\/(?:#region)? ((?:.*\/)?node_modules\/(?:@[^/\s]+\/)?[^/\s]+)\//gm,
    ),
  ]);
  return [...new Set(modules.map(([, path]) => path))].sort((a, b) => (a < b ? -1 : 1));
}

/** Whose code is in the bundle, each with its licence. */
function noticesOf(root, paths) {
  const notices = paths.map((path) => {
    const folder = join(root, path);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (!isPermissive(license)) throw new Error(`${name} is bundled and has the licence ${license}`);
    return `${name} ${version} (${license})\n\n${licenceIn(folder, name)}`;
  });
  const head = 'The files in dist/bundle contain code of these packages, each under its own licence.';
  return `${[head, ...notices].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @param expression one licence, or several of which one may be chosen */
function isPermissive(expression) {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((one) => PERMISSIVE.includes(one));
}

function licenceIn(folder, name) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} is bundled and has no text of its licence`);
  return files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
}
