import { PeerFaultError, StateError } from '@ckm/foundation';
import type { Fault } from '@ckm/threshold';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';

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
