// Puts the whole `ckm` program into a few files: a process that reads seven hundred modules starts slowly and keeps
// their text in memory (docs/adr/0004). Libraries are bundled with it; native addons stay outside. The same for the
// servers that tests start as processes of their own. Around it comes what makes a plain `npm pack` in a package give what
// installs (docs/adr/0025).
import { createRequire, isBuiltin } from 'node:module';
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { carry } from './pack/carried.mjs';
import { layPapers } from './pack/papers.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = join(root, 'packages');
/** Packages that load parts of themselves by name: CommonJS, with a default export. */
const OUTSIDE = /^(better-sqlite3|pg)(\/|$)/;
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

/**
 * Native addons stay outside too. Their packages search for them, which takes thirty times as long as to load them: so the file
 * is named where it usually is, and the package searches only where there is none.
 */
const ADDON = '\0addon:';
const addonsWhereTheyAre = {
  name: 'addons-where-they-are',
  resolveId(id, importer = '') {
    const isSodium = /[\\/]sodium-native[\\/]index\.js$/.test(importer);
    if (isSodium && (id === './binding' || id === 'assert')) return `${ADDON}${id}`;
    if (id === 'secp256k1/bindings.js') return `${ADDON}${id}`;
    return importer.startsWith(ADDON)
      ? this.resolve(id, join(packages, 'threshold/package.json'))
      : undefined;
  },
  load: (id) => (id.startsWith(ADDON) ? ADDON_MODULES[id.slice(ADDON.length)] : undefined),
};
const ADDON_MODULES = {
  './binding': addonOr(
    '`sodium-native/prebuilds/${process.platform}-${process.arch}/sodium-native.node`',
    "'sodium-native/binding.js'",
    'addon',
  ),
  // Checks of arguments, without the module whose errors show differences in colour.
  assert: 'module.exports = (isSo, message) => { if (!isSo) throw new Error(message); };',
  'secp256k1/bindings.js': addonOr(
    "`secp256k1/prebuilds/${process.platform}-${process.arch}/secp256k1${process.platform === 'linux' ? '.glibc' : ''}.node`",
    "'secp256k1/bindings.js'",
    // Its tables take nine tenths of the time, and a command seldom computes on that curve.
    whenAsked(
      Object.keys(createRequire(import.meta.url)('secp256k1/lib/index.js')({})),
      "require('secp256k1/lib/index.js')(new addon.Secp256k1())",
    ),
  ),
};

/** Code for an object with those names, which makes what they stand for when the first of them is asked for. */
function whenAsked(names, made) {
  return `((make, names) => {
  const found = {};
  const get = (name) => () => {
    const all = make();
    for (const each of names) Object.defineProperty(found, each, { value: all[each], enumerable: true });
    return all[name];
  };
  for (const name of names) Object.defineProperty(found, name, { get: get(name), enumerable: true, configurable: true });
  return found;
})(() => ${made}, ${JSON.stringify(names)})`;
}

/** @param usually, otherwise names of modules, as code: the bundler is not to look for them */
function addonOr(usually, otherwise, made) {
  return `const usually = ${usually};
const otherwise = ${otherwise};
function load() {
  // Where the C library is musl, another file is needed.
  if (process.getBuiltinModule('node:fs').existsSync('/etc/alpine-release')) return undefined;
  try {
    return require(usually);
  } catch {
    return undefined;
  }
}
const addon = load();
module.exports = addon === undefined ? require(otherwise) : ${made};`;
}

const BUILTIN = '\0builtin:';
/**
 * To import a module of Node's by name is to ask it for all that it exports, and what it makes only when it is asked comes with
 * it: `node:http` loads `fetch` and WebSocket so, `node:crypto` all of WebCrypto, `node:fs` its streams.
 */
/** Imported by many, and used by few. */
const SELDOM = new Set(['child_process', 'readline', 'readline/promises']);
const builtinsAsTheyAre = {
  name: 'builtins-as-they-are',
  resolveId: (id) =>
    isBuiltin(id) && !/^(node:)?module$/.test(id) ? `${BUILTIN}${id.replace(/^node:/, '')}` : undefined,
  load: (id) =>
    id.startsWith(BUILTIN) ? `module.exports = ${builtin(id.slice(BUILTIN.length))};` : undefined,
};

function builtin(name) {
  const itself = `process.getBuiltinModule('node:${name}')`;
  return SELDOM.has(name) ? whenAsked(Object.keys(process.getBuiltinModule(`node:${name}`)), itself) : itself;
}
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

carry(root);

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

layPapers(root);

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
    external: [/^(node:)?module$/, 'tiny-secp256k1'],
    plugins: [addonsWhereTheyAre, requiredWhereItIs, builtinsAsTheyAre],
    resolve: { conditionNames: [...conditions, 'node', 'import', 'module', 'default'] },
    // The entries may export for each other what is in them besides.
    preserveEntrySignatures: 'allow-extension',
  });
  await program.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    sourcemap: false,
    // Read and hashed at every start: what is said of the code stays in the sources, and text of one byte a character is half
    // as long in memory.
    comments: { legal: true, annotation: false, jsdoc: false },
    charset: 'ascii',
    ...(codeSplitting === undefined ? {} : { codeSplitting }),
  });
}
