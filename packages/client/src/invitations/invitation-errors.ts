import { StateError, UsageError } from '@ckm/foundation';

export function approverNameInvalid(name: string): UsageError {
  return new UsageError(`this is not a name for an approver: ${JSON.stringify(name.slice(0, 40))}`, {
    code: 'APPROVER_NAME_INVALID',
    hint: 'use 1 to 32 small letters, digits or hyphens, a letter first, and no word such as owner or nobody',
  });
}

export function serversNeeded(key: string): UsageError {
  return new UsageError(`there is no key ${key} yet, and nobody has said which servers are to hold it`, {
    code: 'APPROVER_SERVERS_MISSING',
    hint: 'name its servers, in the order in which the key will have them',
  });
}

export function serversGiven(key: string): UsageError {
  return new UsageError(`key ${key} is there, and has its servers`, {
    code: 'APPROVER_SERVERS_FIXED',
    hint: 'name no servers: the invitation has those of the key',
  });
}

export function nobodyInvited(): StateError {
  return new StateError('nobody was invited from here to the key that this answer is about', {
    code: 'APPROVER_NOT_INVITED',
    hint: 'take it in where the invitation was written; or invite that person, and bring what is answered',
    retryable: false,
  });
}

/** @param name of the other one */
export function answeredTwice(name: string): StateError {
  return new StateError(`this answer has the key of ${name}: one person does not approve under two names`, {
    code: 'APPROVER_TWICE',
    hint: 'have each person answer from an approver of his own',
    retryable: false,
  });
}
