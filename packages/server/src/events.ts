/**
 * The only place where business events are reported: each has one function, which writes a log line and moves metrics.
 * No secret, no body, no XID: labels are few and fixed.
 */
export interface Events {
  messageAnswered(fields: {
    readonly function: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  messageRefused(fields: { readonly code: string }): void;
  accountOpened(): void;
  sessionMoved(fields: { readonly kind: string; readonly to: string }): void;
  keyActivated(fields: { readonly suite: string }): void;
  requestDecided(fields: {
    readonly kind: string;
    readonly verdict: 'allow' | 'ask' | 'refuse';
    readonly code: string;
  }): void;
  requestMoved(fields: { readonly kind: string; readonly to: string }): void;
  sharesReleased(fields: { readonly suite: string; readonly tasks: number; readonly seconds: number }): void;
  peerFault(fields: { readonly code: string; readonly round: number }): void;
  poolFilled(fields: { readonly count: number }): void;
  poolVoided(fields: { readonly count: number }): void;
  operatorActed(fields: { readonly action: string }): void;
  storageFailed(fields: { readonly code: string }): void;
  unsealFailed(): void;
  started(fields: { readonly storage: string; readonly sealed: boolean }): void;
  stopped(): void;
  /** An error that is a defect of ours: logged with its stack, without its causes' data. */
  bug(error: unknown): void;
}
