// An owner of three servers on loopback, and how long the commands take that he types.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CKM, startBenchServer } from './processes.mjs';

const NAMES = ['alpha', 'bravo', 'charlie'];

/**
 * Starts three servers, and makes an owner who has added them and has the key `notes` with them.
 * @param servers gets them, for whoever stops them
 * @returns the environment of the owner's commands
 */
export async function openOwner(folder, servers) {
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'river lamp seven onions\n', { mode: 0o600 });
  const env = { ...process.env, CKM_HOME: join(folder, 'home'), CKM_PASSPHRASE_FILE: passphrase };
  for (const name of NAMES) servers.push(await startBenchServer(join(folder, name), name));
  await timed([CKM, 'init'], env);
  for (const { name, url } of servers) await timed([CKM, 'server', 'add', name, url, '--yes'], env);
  const quorum = ['--quorum', '2of3', '--servers', NAMES.join(',')];
  await timed([CKM, 'key', 'create', 'notes', '--for', 'message', ...quorum, '--yes'], env);
  return env;
}

/** Milliseconds of a Node process, start to end. */
export function timed(args, env) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - begun);
      else reject(new Error(`${args.join(' ')} ended with exit status ${code}: ${said}`));
    });
  });
}
