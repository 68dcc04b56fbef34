// Puts the whole `ckm` program into a few files: a process that reads seven hundred modules starts slowly and keeps
// their text in memory (docs/adr/0004). Libraries are not bundled; native addons stay outside.
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages/cli');
const folder = join(cli, 'dist/bundle');
const ROOMS = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];

const compiledAt = Math.max(
  ...ROOMS.map((room) => statSync(join(cli, '..', room, 'dist/.tsbuildinfo')).mtimeMs),
);
const bundle = join(folder, 'ckm.js');
if (existsSync(bundle) && statSync(bundle).mtimeMs > compiledAt) process.exit(0);

rmSync(folder, { recursive: true, force: true });
const program = await rolldown({
  // The second is a thread of the server's own: a file that it starts by name.
  input: {
    ckm: join(cli, 'dist/main.js'),
    'reading-thread': join(cli, '../server/dist/requests/reading/reading-thread.js'),
  },
  platform: 'node',
  external: [/^node:/, 'better-sqlite3', 'sodium-native', 'pg', 'tiny-secp256k1', /^secp256k1(\/|$)/],
  resolve: { conditionNames: ['node', 'import', 'module', 'default'] },
});
await program.write({ dir: folder, format: 'esm', entryFileNames: '[name].js', sourcemap: false });
