import { type CkmError, PeerFaultError, StateError } from '@ckm/foundation';
import { namesOf, type Participant } from './ask-all.js';

/** A server did what no honest one does, in a way this client saw itself. */
export function serverFault(
  code: `FAULT_${string}`,
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

/**
 * How a run ended badly, told with names instead of slots. `RETRY_…` blames nobody.
 * @param by who said so: a server, or this client itself
 */
export function faultFromCode(
  code: string,
  culprits: readonly number[],
  participants: readonly Participant[],
  by: string,
): CkmError {
  const named = participants.filter(({ slot }) => culprits.includes(slot));
  const names = namesOf(named);
  const facts = { culprits, servers: names, by };
  if (code.startsWith('RETRY_') || names.length === 0) {
    return new StateError(`${by} ended the session, blaming nobody`, {
      code,
      hint: 'start again; the servers themselves are not at fault',
      facts,
    });
  }
  const sure = code.startsWith('SUSPECT_') ? 'suspects' : 'found at fault:';
  return new PeerFaultError(`${by} ${sure} ${listed(names)}`, {
    code,
    hint: `ask the operator of ${listed(names)} what happened, or start again without ${names.length === 1 ? 'it' : 'them'}`,
    facts,
  });
}

/** A fault that names slots (from checking roster or certificate), with the owner's names of the servers put in. */
export function withNames(error: unknown, participants: readonly Participant[]): unknown {
  if (!(error instanceof PeerFaultError)) return error;
  const culprits = error.facts['culprits'];
  if (!Array.isArray(culprits)) return error;
  return faultFromCode(error.code, culprits.map(Number), participants, 'this client');
}

export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? 'nobody';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
