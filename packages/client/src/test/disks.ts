import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkServer } from './test-network.js';

/** What a server has written so far, in a folder of its own: with that as `dataDir` it is its own twin, or is restored. */
export async function copyDisk(server: NetworkServer): Promise<string> {
  await server.restart();
  const copy = mkdtempSync(join(tmpdir(), 'ckm-copy-'));
  cpSync(server.bare.dataDir, copy, { recursive: true });
  return copy;
}

/** The keys of its epochs are gone, and its shares with them; rows and identity are there. */
export async function loseShare(server: NetworkServer): Promise<void> {
  const { context } = server.bare;
  for (const row of await context.storage.read(({ keys }) => keys.listAll(null, 10)))
    context.epochKeys.destroy(row);
  await server.restart();
}

/** Nothing is left but its identity and its storage key. */
export async function loseDisk(server: NetworkServer): Promise<void> {
  const { dataDir } = server.bare;
  await server.restart({ dataDir: mkdtempSync(join(tmpdir(), 'ckm-lost-')) });
  rmSync(dataDir, { recursive: true, force: true });
}
