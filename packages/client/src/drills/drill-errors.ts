import { AvailabilityError, CkmError, formatMoment, StateError, type Remedy } from '@ckm/foundation';
import type { CertifiedKey } from '../keys/key-record.js';

/** Which drill an error is about. */
export interface DrillOf {
  /** The owner's name of the key. */
  readonly name: string;
  /** Of the server that was made to forget its share. */
  readonly server: string;
}

/** One that is not over. */
export interface OpenDrillOf extends DrillOf {
  /** UnixSeconds: from then on the same begins it anew. */
  readonly begunAnewAt: number;
}

const again = ({ name, server }: DrillOf): Remedy => ({ kind: 'drillKey', key: name, server });

/**
 * Whether an error is what a drill is there to find: somebody did wrong, or said no for good. Silence is none, nor anything on our own
 * side, nor what a repetition may cure.
 */
export function isFinding(error: unknown): error is CkmError {
  if (!(error instanceof CkmError)) return false;
  if (error.errorClass === 'PeerFaultError' || error.code === 'SESSION_ABORTED') return true;
  if (isWait(error) || error.errorClass === 'UsageError') return false;
  const isSaidByServer = typeof error.facts['server'] === 'string';
  return isSaidByServer || ENDINGS.has(error.code);
}

/** Whether it is only to be gone on with later: also where an account has as much as it may have, which says nothing about recovery. */
export function isWait({ code, errorClass, retryable }: CkmError): boolean {
  const isFull = code.startsWith('QUOTA_') || code === 'DRILLS_TOO_MANY';
  return isFull || errorClass === 'AvailabilityError' || retryable;
}

/** Endings of a session or a request that no repetition changes. */
const ENDINGS = new Set([
  'SESSION_REJECTED',
  'SESSION_EXPIRED',
  'SESSION_CANCELLED',
  'SESSION_ABORTED',
  'KEY_NOT_STORED',
  'REQUEST_REJECTED',
]);

/** What a drill found, in the class of what went wrong; it is over. */
export function drillFailed(drill: DrillOf, step: string, cause: CkmError): CkmError {
  const { message, errorClass, code, facts } = cause;
  return new CkmError(errorClass, `the drill failed while ${step}: ${message}`, {
    code: 'DRILL_FAILED',
    hint: `no share of ${drill.name} was touched; find out why, and drill again`,
    remedy: { kind: 'read', code },
    retryable: false,
    facts: { ...facts, said: code },
    cause,
  });
}

/** Somebody does not answer: the drill goes on later, or is begun anew where they have nothing of it any more. */
export function drillNotOver(drill: OpenDrillOf, step: string, cause: CkmError): CkmError {
  return new CkmError(cause.errorClass, `the drill is not over, it stopped while ${step}: ${cause.message}`, {
    code: 'DRILL_NOT_OVER',
    hint: `go on with it when they answer; from ${formatMoment(drill.begunAnewAt)} on the same begins it anew`,
    remedy: again(drill),
    retryable: cause.retryable,
    facts: { ...cause.facts, said: cause.code },
    cause,
  });
}

/** With every server needed to sign, the others are too few to give anything back. */
export function drillImpossible({ record: { name }, public: { quorum } }: CertifiedKey): StateError {
  return new StateError(
    `no server of ${name} could get a lost share back from the others: all ${quorum.of} are needed for anything`,
    {
      code: 'DRILL_IMPOSSIBLE',
      hint: 'give it a server to spare, or have its operator show that his backup brings the share back',
      facts: { needed: quorum.needed, of: quorum.of },
    },
  );
}

/** A drill makes a key, and that takes every server. */
export function serversNotOnRecord({ record: { name } }: CertifiedKey, missing: number): AvailabilityError {
  return new AvailabilityError(`${missing} of the servers of ${name} are not among yours any more`, {
    code: 'SERVERS_MISSING',
    hint: 'add them again: a drill takes every server of the key',
    remedy: { kind: 'addServer' },
  });
}
