// Puts the whole `ckm` program into a few files: a process that reads seven hundred modules starts slowly and keeps
// their text in memory (docs/adr/0004). Libraries are bundled with it; native addons stay outside. The same for the
// servers that tests start as processes of their own.
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages');
/** Packages with native addons, and one that loads parts of itself by name: all of them CommonJS, with a default export. */
const OUTSIDE = /^(better-sqlite3|pg|secp256k1|sodium-native)(\/|$)/;
const PREFIX = '\0required:';
/** Left outside, and required: to import CommonJS, Node reads it once more, for the names of its exports. */
const requiredWhereItIs = {
  name: 'required-where-it-is',
  resolveId: (id) => (OUTSIDE.test(id) ? `${PREFIX}${id}` : undefined),
  load: (id) =>
    id.startsWith(PREFIX)
      ? `import { createRequire } from 'node:module';
export default createRequire(import.meta.url)('${id.slice(PREFIX.length)}');`
      : undefined,
};
const HTTP = '\0node:http';
/** Importing it by name asks it for all that it exports, and so loads Node's `fetch` and WebSocket: a fifth of a short command. */
const httpWithoutFetch = {
  name: 'http-without-fetch',
  resolveId: (id) => (/^(node:)?http$/.test(id) ? HTTP : undefined),
  load: (id) => (id === HTTP ? `module.exports = process.getBuiltinModule('node:http');` : undefined),
};
const ROOMS = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];

const folderOf = (...names) => new RegExp(`[\\\\/](${names.join('|')})[\\\\/]`);
/**
 * What several commands share is in four files instead of fifty: to find, open and link one takes longer than to read it.
 * One for whoever only asks for help, one for all that an owner or a server does, and two that each of them does alone.
 */
const SHARED = [
  {
    name: 'command',
    tags: ['$initial'],
    test: folderOf('commander', 'foundation/dist', 'cli/dist'),
    minShareCount: 1,
  },
  {
    name: 'core',
    test: folderOf(
      ...['foundation', 'threshold', 'gordian', 'requests', 'api'].map((room) => `${room}/dist`),
      'zod',
      '@noble',
      '@scure',
      'micro-packed',
      '@blockchaincommons',
    ),
  },
  { name: 'terminal', test: folderOf('client/dist/node', 'cli/dist/(command-line|home|terminal)') },
  { name: 'owner', test: folderOf('client/dist', 'cli/dist/(owner|requests)') },
].map((group, i, all) => ({ minShareCount: 2, ...group, priority: all.length - i }));

// A command starts often and is over soon: it loads no WebAssembly that only a server needs.
await bundle({
  room: 'cli',
  input: 'dist/main.js',
  name: 'ckm',
  of: ROOMS,
  conditions: ['ckm-lazy'],
  codeSplitting: { includeDependenciesRecursively: false, groups: SHARED },
});
await bundle({
  room: 'server',
  input: 'dist/index.js',
  name: 'index',
  of: ROOMS.filter((room) => room !== 'client' && room !== 'cli'),
});
await bundle({
  room: 'testkit',
  input: 'dist/server-main.js',
  name: 'server-main',
  of: [...ROOMS, 'testkit'],
});

async function bundle({ room, input, name, of, conditions = [], codeSplitting }) {
  const folder = join(packages, room, 'dist/bundle');
  const output = join(folder, `${name}.js`);
  const sources = of.map((one) => join(packages, one, 'dist/.tsbuildinfo'));
  const compiledAt = Math.max(...[import.meta.filename, ...sources].map((path) => statSync(path).mtimeMs));
  if (existsSync(output) && statSync(output).mtimeMs > compiledAt) return;
  rmSync(folder, { recursive: true, force: true });
  // What Node compiled of the bundle before: see packages/cli/bin/ckm.js.
  rmSync(join(packages, room, '.compile-cache'), { recursive: true, force: true });
  const program = await rolldown({
    // The second is a thread of the server's own: a file that it starts by name.
    input: {
      [name]: join(packages, room, input),
      'reading-thread': join(packages, 'server/dist/requests/reading/reading-thread.js'),
    },
    platform: 'node',
    external: [/^node:(?!http$)/, 'tiny-secp256k1'],
    plugins: [requiredWhereItIs, httpWithoutFetch],
    resolve: { conditionNames: [...conditions, 'node', 'import', 'module', 'default'] },
    // The entries may export for each other what is in them besides.
    preserveEntrySignatures: 'allow-extension',
  });
  await program.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    sourcemap: false,
    ...(codeSplitting === undefined ? {} : { codeSplitting }),
  });
}
