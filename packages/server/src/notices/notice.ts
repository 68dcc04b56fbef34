/** What a program of the operator's is told, as JSON. Nothing in it is secret; the sentence is what it is about. */
export interface Notice {
  /** `waiting`: for a yes or no. `stopped`: a key, by a wrong share. `exported`: a share of a key was given out. */
  readonly event: 'waiting' | 'stopped' | 'exported';
  /** The name of this server. */
  readonly server: string;
  /** `2026-11-28 21:05:39 UTC` */
  readonly at: string;
  /** How many requests and ceremonies wait now, this one included. */
  readonly waiting: number;
  /** Others that came since the last notice, and have none of their own. */
  readonly others: number;
  /** First eight hex digits of the request or ceremony, of the key and of the account. */
  readonly id: string;
  readonly key: string;
  readonly account: string;
  /** Null where it must not leave the machine. */
  readonly sentence: string | null;
}
