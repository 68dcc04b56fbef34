import { AccessError, StateError, UsageError } from '@ckm/foundation';

export function matterUnknownHere(id: string): UsageError {
  return new UsageError(`nothing that waits for you has the id ${id}`, {
    code: 'APPROVAL_UNKNOWN',
    hint: 'list what waits: it may have been answered, taken back or have expired',
  });
}

export function matterAmbiguous(id: string): UsageError {
  return new UsageError(`more than one thing that waits for you begins with ${id}`, {
    code: 'APPROVAL_AMBIGUOUS',
    hint: 'name more of its digits; where those are the same too, put before them what it is, as in request: or terms:',
  });
}

/** @param what as in "alpha and bravo show different payments" */
export function approvalDiffers(what: string): StateError {
  return new StateError(`the servers of the key do not show the same: ${what}`, {
    code: 'APPROVAL_DIFFERS',
    hint: 'ask the owner what was asked for, and tell the operators: somebody shows something false; a yes to what most show names who is left out',
    retryable: false,
  });
}

/** @param why as in "the content that is shown is not the one that is named" */
export function approvalFalse(why: string): StateError {
  return new StateError(`what is shown contradicts itself: ${why}`, {
    code: 'APPROVAL_FALSE',
    hint: 'say no, or bring this program up to date; where every server shows it, tell the owner and the operators',
    retryable: false,
  });
}

/** @param enough so many would have to */
export function shownByTooFew(by: readonly string[], enough: number): StateError {
  const names =
    by.length === 0 ? 'no server shows' : `only ${by.join(', ')} ${by.length === 1 ? 'shows' : 'show'}`;
  return new StateError(`${names} what is left, and ${enough} have to`, {
    code: 'APPROVAL_SHOWN_BY_TOO_FEW',
    hint: 'leave out fewer servers, or wait for those that do not answer; a no needs nobody left out',
    retryable: false,
  });
}

/** @param key its name */
export function withoutUnknown(server: string, key: string): UsageError {
  return new UsageError(`no server of ${key} is called ${server}`, {
    code: 'SERVER_UNKNOWN',
    hint: 'name it as what waits names it',
  });
}

export function approvalUnread(why: string): StateError {
  return new StateError(`what is asked for cannot be read here: ${why}`, {
    code: 'APPROVAL_UNREADABLE',
    hint: 'say no, or bring this program up to date; a yes would be to something that nobody has read',
    retryable: false,
  });
}

/** @param key its name */
export function notAnApprover(key: string): AccessError {
  return new AccessError(`the terms of ${key} do not name you`, {
    code: 'APPROVAL_NOT_YOURS',
    hint: 'ask the owner whether your answer was taken in, and whether the terms with you in them are in force',
  });
}

export function noSuchVote(id: string): StateError {
  return new StateError(`you have said nothing about ${id} that could be taken back`, {
    code: 'APPROVAL_NOT_GIVEN',
    hint: 'see what you have said with what waits',
    retryable: false,
  });
}

export function invitedAsAnother(key: string, name: string): StateError {
  return new StateError(`you were invited for ${key} before, as ${name}`, {
    code: 'APPROVER_NAMED_OTHERWISE',
    hint: 'have the owner invite you under that name again; a second person needs an approver of his own',
    retryable: false,
  });
}
