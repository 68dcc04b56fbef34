// A restore in a process of its own, on whatever disk that sees: it says what came of it, and what lies in the folder then.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const { restoreServer } = await import(join(import.meta.dirname, '../../dist/index.js'));
const { secret, encodeUtf8 } = await import('@ckm/foundation');
const [file, dataDir, passphrase, now] = process.argv.slice(2);
let said = 'done';
try {
  await restoreServer({
    file,
    dataDir,
    passphrase: secret(encodeUtf8(passphrase)),
    nowMs: () => Number(now) * 1_000,
  });
} catch (error) {
  said = error.code ?? error.stack;
}
process.stdout.write(`${said} ${existsSync(dataDir) ? readdirSync(dataDir).length : 0}\n`);
