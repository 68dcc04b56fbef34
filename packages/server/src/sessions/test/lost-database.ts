import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dkgResult, type KeyPolicy, type Result } from '@ckm/api';
import type { CeremonyOptions } from '@ckm/testkit';
import type { EpochRecord } from '../keys/stored/epoch-record.js';
import { readKey } from '../keys/stored/read-key.js';
import { alice, makeKey, type BareServers, type MadeKey } from './bare-servers.js';
import type { BareCaller, BareOptions, BareServer } from './bare-server.js';

/** Identity and storage key are all that is left; so is whatever `changes` says. */
export function loseDatabase(
  network: BareServers,
  server: BareServer,
  changes: Partial<BareOptions> = {},
): Promise<BareServer> {
  return network.restart(server, { dataDir: mkdtempSync(join(tmpdir(), 'ckm-lost-')), ...changes });
}

/** What Alice shows a server that lost its share. */
export interface Backup {
  readonly certificate: Uint8Array;
  readonly policy: KeyPolicy;
}

/** Servers with a key, of which alpha has lost its database since; the others have it still. */
export interface LostDatabase {
  readonly made: MadeKey;
  readonly backup: Backup;
  readonly servers: BareServer[];
  /** As Alice, in slot order. */
  readonly callers: BareCaller[];
  /** What alpha had said of the key, and kept of it. */
  readonly before: { readonly result: Result<'key.restore'>; readonly record: EpochRecord };
}

const STATIC = { backup: 'static' } as const;

/** @param settings of every server, and of alpha afterwards */
export async function makeKeyThenLose(
  network: BareServers,
  options: Partial<CeremonyOptions> = {},
  settings: object = STATIC,
  changes: Partial<BareOptions> = {},
): Promise<LostDatabase> {
  const { servers, callers } = await network.openMany(3, { settings });
  const isStatic = 'backup' in settings && settings.backup === 'static';
  const policy = { ...(isStatic ? ({ recovery: 'static' } as const) : {}), ...options.policy };
  const made = await makeKey(callers, { ...options, policy });
  const shownKey = await callers[0]!.call('key.show', { keyId: made.keyId });
  const backup = { certificate: made.certificate, policy: shownKey.policy };
  const shown = await callers[0]!.call('session.show', { sessionId: made.sessionId, after: 0 });
  const result = dkgResult.parse(shown.result);
  const record = await recordOf(servers[0]!, made.keyId);
  const alpha = await loseDatabase(network, servers[0]!, changes);
  servers[0] = alpha;
  callers[0] = await alpha.as(alice);
  return { made, backup, servers, callers, before: { result, record } };
}

/** Everything that a server keeps of a key of Alice's, secrets and all. */
export async function recordOf({ context }: BareServer, keyId: Uint8Array): Promise<EpochRecord> {
  return context.storage.read(async (reader) => {
    const row = await reader.keys.find(alice.xid, keyId);
    if (row === null) throw new Error('there is no such key');
    return readKey(context, reader, row);
  });
}
