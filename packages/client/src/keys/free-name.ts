import { UsageError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { listSessions } from '../sessions/sessions.js';
import { keyPath } from './key-record.js';

/** The kinds of session that make a key: its name is taken before the key is there. */
export const GENERATION = 'dkg';
export const IMPORT = 'import';
const MAKINGS: readonly string[] = [GENERATION, IMPORT];

/** @throws UsageError `KEY_EXISTS` */
export async function assertNameFree({ store }: ClientContext, name: string): Promise<void> {
  if ((await store.get(keyPath(name))) !== null) {
    throw new UsageError(`there is already a key ${name}`, {
      code: 'KEY_EXISTS',
      hint: 'choose another name',
    });
  }
  const sessions = await listSessions(store);
  if (
    sessions.some(
      (one) => MAKINGS.includes(one.proposal.kind) && one.state === 'open' && one.keyName === name,
    )
  ) {
    throw new UsageError(`a key ${name} is already being made`, {
      code: 'KEY_EXISTS',
      hint: 'go on with it, or cancel it',
      remedy: { kind: 'resumeSession' },
    });
  }
}
