/** How a command ends that asks for a signature, or goes on with one: to wait for a person is to be told "not yet". */
export const SIGN_ENDINGS = {
  69: 'too few servers answer',
  75: 'you left before it was over: ckm requests resume goes on',
  77: 'it waits for people of its terms, or operators; or somebody, or a policy, says no',
} as const;
