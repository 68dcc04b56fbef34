import type { OperatorPolicy } from '../config/config.js';

/** What an operator asks before a share goes to somebody who has none, beyond the rules that were certified with the key. */
export interface WeightyRules {
  readonly asksOperator: boolean;
  /** For how long everybody may look at it first; 0: no longer than the key says. Seconds. */
  readonly delay: number;
}

/** What all of these together ask before a share goes to somebody who has none: an operator can only be stricter than the key. */
export function weightyRules(
  taken: readonly Pick<OperatorPolicy, 'approval' | 'changeDelay'>[],
): WeightyRules {
  return {
    asksOperator: taken.some(({ approval }) => approval === 'operator'),
    delay: Math.max(0, ...taken.map(({ changeDelay }) => changeDelay)),
  };
}

/**
 * What the head of a key says of that. One that was tightened before heads said it is asked about: it may have been tightened so.
 * @param head null: this server has none of the key
 */
export function weightyOf(
  head: { readonly tightened: number; readonly weighty?: WeightyRules } | null,
): WeightyRules {
  if (head?.weighty !== undefined) return head.weighty;
  return { asksOperator: (head?.tightened ?? 0) > 0, delay: 0 };
}
