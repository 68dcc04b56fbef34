import { StateError } from '@ckm/foundation';

/** @param names who is named in the terms and has not answered an invitation */
export function approverAbsent(names: readonly string[]): StateError {
  const who = names.join(', ');
  return new StateError(
    `${who} ${names.length === 1 ? 'has' : 'have'} not answered an invitation for this key`,
    {
      code: 'TERMS_APPROVER_ABSENT',
      hint: 'hand them their invitations, and bring what each of them answers',
      retryable: true,
      facts: { names: who },
    },
  );
}
