// Packages of others that travel inside a tarball of ours, and what their licences ask for.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Each runs a script after it was installed that is not in its own tarball: `npm install` fails at it. */
export const CARRIED = ['crypto', 'dcbor', 'rand', 'shamir', 'sskr', 'uniform-resources'].map(
  (name) => `@blockchaincommons/${name}`,
);
const PERMISSIVE = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSD-2-Clause-Patent',
  '0BSD',
];

/** Puts the carried packages below `node_modules` of a package: ES modules, types and licence, as they were published. */
export function carry(root, to) {
  for (const name of CARRIED) {
    const from = join(root, 'node_modules', name);
    const folder = join(to, 'node_modules', name);
    mkdirSync(folder, { recursive: true });
    const { scripts: _scripts, devDependencies: _devDependencies, ...manifest } = read(from);
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const isKept = (path) => !/\.(map|cjs|d\.cts)$/.test(path);
    cpSync(join(from, 'dist'), join(folder, 'dist'), { recursive: true, filter: isKept });
    for (const file of ['LICENSE', 'README.md']) cpSync(join(from, file), join(folder, file));
  }
}

/** The packages whose modules are in a bundle: rolldown says before each module where it was. */
export function bundledIn(to) {
  const folder = join(to, 'dist/bundle');
  const modules = readdirSync(folder).flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(
      /^\/\/(?:#region)? ((?:.*\/)?node_modules\/(?:@[^/\s]+\/)?[^/\s]+)\//gm,
    ),
  ]);
  return [...new Set(modules.map(([, path]) => path))].sort();
}

/**
 * Writes down whose code is in a bundle, each with its licence.
 * @throws Error where a licence is not permissive, or its text is missing
 */
export function writeNotices(root, to, paths) {
  const notices = paths.map((path) => {
    const folder = join(root, path);
    const { name, version, license } = read(folder);
    if (!isPermissive(license)) throw new Error(`${name} is bundled and has the licence ${license}`);
    return `${name} ${version} (${license})\n\n${licenceIn(folder, name)}`;
  });
  const head = 'The files in dist/bundle contain code of these packages, each under its own licence.';
  writeFileSync(join(to, 'NOTICE'), `${[head, ...notices].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
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

function read(folder) {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) throw new Error(`${dirname(path)} is not installed`);
  return JSON.parse(readFileSync(path, 'utf8'));
}
