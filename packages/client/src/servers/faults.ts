import { PeerFaultError } from '@ckm/foundation';
import type { Fault } from '@ckm/threshold';
import { namesOf, type Participant } from './ask-all.js';

/** A server did what no honest one does, in a way this client saw itself. */
export function serverFault(
  code: Fault['code'],
  culprits: readonly Participant[],
  did: string,
  evidence?: string,
): PeerFaultError {
  const names = namesOf(culprits);
  return new PeerFaultError(`${listed(names)} ${did}`, {
    code,
    hint: `tell the operator of ${listed(names)}; go on without ${names.length === 1 ? 'it' : 'them'}`,
    facts: {
      culprits: culprits.map(({ slot }) => slot),
      servers: names,
      ...(evidence === undefined ? {} : { evidence }),
    },
  });
}

export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? 'nobody';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
