import { PeerFaultError, StateError } from '@ckm/foundation';
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

/** A fault that names slots (from checking roster or certificate), with the owner's names of the servers put in. */
export function withNames(error: unknown, participants: readonly Participant[]): unknown {
  if (!(error instanceof PeerFaultError)) return error;
  const culprits = error.facts['culprits'];
  if (!Array.isArray(culprits)) return error;
  const named = participants.filter(({ slot }) => culprits.includes(slot));
  if (named.length > 0) return serverFault(error.code as Fault['code'], named, 'sent what does not hold');
  return new StateError('what the servers said does not make a key, and none of them is to blame', {
    code: error.code,
    hint: 'start again; the servers themselves are not at fault',
  });
}

export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? 'nobody';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
