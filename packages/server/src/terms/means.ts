import type { JudgeAssertion, Passkey } from '@ckm/api';
import type { Call, ServerContext } from '../context.js';
import type { Counter } from '../sessions/waiting-time.js';
import type { Reader } from '../storage/storage.js';

/** What the room of terms needs of the server. */
export interface TermsMeans {
  readonly context: ServerContext;
  /** This process, by which delays are counted. */
  counting(): Counter;
  /** Counts milliseconds of one core that a message is about to cost. @throws PolicyError `QUOTA_COST` */
  charge(account: { readonly xid: Uint8Array }, costMs: number): void;
  /** Whether the key that a message is signed with is of a device that has not been there for long. */
  isYoung(reader: Reader, call: Call): Promise<boolean>;
  readonly isAssertion: JudgeAssertion;
  /** Whether assertions of a passkey can be verified here. */
  isUsablePasskey(passkey: Passkey): boolean;
}
