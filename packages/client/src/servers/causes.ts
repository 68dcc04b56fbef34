import type { CkmError } from '@ckm/foundation';
import { formatOffset } from './clock-difference.js';

/**
 * Why a server gives no answer that can be used, to stand behind its name: “alpha is sealed”. What a server, or somebody on the way,
 * said unsealed is a hint like any other here.
 */
export function causeOf(error: CkmError): string {
  const { errorClass, facts } = error;
  const { aheadSeconds } = facts;
  const code = reasonOf(error);
  if (code === 'CLOCK_DIFFERS' && typeof aheadSeconds === 'number')
    return `has a clock ${formatOffset(-aheadSeconds)} yours`;
  const said = CAUSES[code];
  if (said !== undefined) return said;
  if (isOfStorage(code)) return 'cannot use its storage';
  const isSilent = errorClass === 'AvailabilityError' && error.code !== REFUSED;
  return isSilent ? 'does not answer' : `refuses (${code})`;
}

const REFUSED = 'SERVER_REFUSED_MESSAGE';

/** The code where more is said of it: what the server itself gave as its reason, where it did. */
export function reasonOf({ code, facts: { reason } }: CkmError): string {
  return code === REFUSED && typeof reason === 'string' ? reason : code;
}

/** Whether it is about the disk or the database of a server, which only its operator can mend. */
export function isOfStorage(code: string): boolean {
  return code.startsWith('STORAGE_');
}

const CAUSES: Readonly<Record<string, string>> = {
  ACCOUNT_FROZEN: 'does nothing for your account while it is frozen',
  ACCOUNT_SUSPENDED: 'has suspended your account',
  BODY_TOO_LONG: 'takes no message that is so long',
  CLOCK_JUMPED: 'has a clock that went back',
  LONG_MESSAGES_REFUSED: 'takes no long messages for a while',
  MESSAGE_BEFORE_RESTORE: 'was restored a moment ago and takes no messages yet',
  MESSAGE_NOT_AUTHENTICATED: 'does not know you any more',
  MESSAGE_NOT_FOR_ME: 'is another server now',
  POLICY_RECOVERY: 'holds no share that its identity alone gives back (recovery static)',
  REQUEST_TIMEOUT: 'does not answer in time',
  SERVER_BUSY: 'is busy',
  SERVER_CERTIFICATE_NAME: 'shows a TLS certificate for another name',
  SERVER_CERTIFICATE_TIME: 'shows a TLS certificate that has expired, or is not valid yet',
  SERVER_CERTIFICATE_UNKNOWN: 'shows a TLS certificate that is not trusted',
  SERVER_CONNECTION_LOST: 'cuts the connection',
  SERVER_IDENTITY_CHANGED: 'is another server now',
  SERVER_NOT_HTTP: 'is not there: something else listens at its address',
  SERVER_PROXY_ANSWERED: 'is not reached: something answers in its place',
  SERVER_REPLY_INVALID: 'sends what cannot be read',
  SERVER_SEALED: 'is sealed',
  SERVER_STOPPING: 'is stopping',
  SERVER_TIMEOUT: 'does not answer in time',
  STORAGE_FULL: 'has a full disk',
  STORAGE_READ_ONLY: 'cannot write to its storage',
  STORAGE_UNREACHABLE: 'does not reach its database',
  TOO_MANY_MESSAGES: 'has had too many messages',
  WEB_PROXY_FAILED: 'is not reached: the web proxy does not lead to it',
};
