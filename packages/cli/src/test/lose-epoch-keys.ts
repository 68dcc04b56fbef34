import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, type Setup, type SetupServer, startServerProcess } from './run-server.js';

/** Ends a server of a set-up, and starts it again where it was, as a process and without the keys of its epochs. */
export function loseEpochKeys(setup: Setup, name: string): Promise<ServerProcess> {
  return restartChanged(setup.folderOf(name), setup.servers[name]!, removeEpochKeys);
}

/** What opens its shares, whichever they are of. */
export function removeEpochKeys(folder: string): void {
  const keys = join(folder, 'epoch-keys');
  for (const file of readdirSync(keys).filter((one) => /^[0-9a-f]{64}$/.test(one))) rmSync(join(keys, file));
}

/** Ends a server, does something to its folder, and starts it again at the same address, as a process. */
export async function restartChanged(
  folder: string,
  { url, stop }: SetupServer,
  change: (folder: string) => void,
): Promise<ServerProcess> {
  await stop('SIGKILL');
  change(folder);
  const path = join(folder, 'config.json');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { listen: object };
  const port = Number(new URL(url).port);
  writeFileSync(path, JSON.stringify({ ...settings, listen: { ...settings.listen, port } }));
  return startServerProcess(folder);
}
