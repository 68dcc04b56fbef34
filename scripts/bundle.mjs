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
const ROOMS = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];

// A command starts often and is over soon: it loads no WebAssembly that only a server needs.
await bundle({ room: 'cli', input: 'dist/main.js', name: 'ckm', of: ROOMS, conditions: ['ckm-lazy'] });
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

async function bundle({ room, input, name, of, conditions = [] }) {
  const folder = join(packages, room, 'dist/bundle');
  const output = join(folder, `${name}.js`);
  const compiledAt = Math.max(...of.map((one) => statSync(join(packages, one, 'dist/.tsbuildinfo')).mtimeMs));
  if (existsSync(output) && statSync(output).mtimeMs > compiledAt) return;
  rmSync(folder, { recursive: true, force: true });
  const program = await rolldown({
    // The second is a thread of the server's own: a file that it starts by name.
    input: {
      [name]: join(packages, room, input),
      'reading-thread': join(packages, 'server/dist/requests/reading/reading-thread.js'),
    },
    platform: 'node',
    external: [/^node:/, 'tiny-secp256k1'],
    plugins: [requiredWhereItIs],
    resolve: { conditionNames: [...conditions, 'node', 'import', 'module', 'default'] },
  });
  await program.write({ dir: folder, format: 'esm', entryFileNames: '[name].js', sourcemap: false });
}
