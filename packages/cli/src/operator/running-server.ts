import { CkmError } from '@ckm/foundation';
import type { OperatorStatus } from '@ckm/server';
import type { Terminal } from '../terminal/terminal.js';
import { operatorOf } from './operator-leaf.js';

/** What a server says of itself; null: none runs there. */
export async function statusIfRunning(dataDir: string): Promise<OperatorStatus | null> {
  try {
    return await operatorOf(dataDir).status();
  } catch (error) {
    if (error instanceof CkmError && error.code === 'SERVER_NOT_RUNNING') return null;
    throw error;
  }
}

/** Says what stands in `config.json` by now that the server does not go by. @param folder as its operator names it */
export function warnOfSettings(
  { warn }: Pick<Terminal, 'warn'>,
  { settings: { changed, fault } }: Pick<OperatorStatus, 'settings'>,
  folder: string,
): void {
  if (changed.length > 0)
    warn(`changed since this server was started, and counts from its next start on: ${changed.join(', ')}`);
  if (fault !== null)
    warn(`its next start would refuse config.json (${fault}): ckm server config check ${folder}`);
}

/** Behind what `config.json` says: whether the server that runs goes by it, if one does. @param folder as {@link warnOfSettings} */
export async function talkOfRestart(
  terminal: Pick<Terminal, 'warn' | 'talk'>,
  folder: string,
): Promise<void> {
  const status = await statusIfRunning(folder).catch(() => null);
  if (status === null) return;
  warnOfSettings(terminal, status, folder);
  if (status.settings.changed.length === 0) terminal.talk(`${status.name} was started with this config.json`);
  else terminal.talk(`restart it: ckm server stop ${folder}, then ckm server start ${folder}, or its unit`);
}
