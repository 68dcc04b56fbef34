import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, type Setup, startServerProcess } from './run-server.js';

/** Ends a server of a set-up, and starts it again where it was, as a process and without the keys of its epochs. */
export async function loseEpochKeys(setup: Setup, name: string): Promise<ServerProcess> {
  const folder = setup.folderOf(name);
  const { url, stop } = setup.servers[name]!;
  await stop('SIGKILL');
  const path = join(folder, 'config.json');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { listen: object };
  const port = Number(new URL(url).port);
  writeFileSync(path, JSON.stringify({ ...settings, listen: { ...settings.listen, port } }));
  const keys = join(folder, 'epoch-keys');
  for (const file of readdirSync(keys).filter((one) => /^[0-9a-f]{64}$/.test(one))) rmSync(join(keys, file));
  return startServerProcess(folder);
}
