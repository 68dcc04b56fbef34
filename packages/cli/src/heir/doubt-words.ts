import type { KeySilence } from '@ckm/client';

/** Names of servers where somebody asks for the key, and that have not taken the doubt of whoever says it. */
export function doubtNotTaken({ name, servers }: KeySilence): readonly string[] {
  const open = servers.filter((one) => one.case !== null);
  return open.filter(({ doubted = [] }) => !doubted.includes(name)).map(({ server }) => server);
}
