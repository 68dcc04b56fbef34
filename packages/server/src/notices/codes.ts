import { AvailabilityError } from '@ckm/foundation';

/** Why a notice did not reach the operator's own program or address. */
export type NoticeCode =
  | 'NOTICE_COMMAND_FAILED'
  | 'NOTICE_MAIL_LATER'
  | 'NOTICE_MAIL_LOGIN'
  | 'NOTICE_MAIL_UNREACHABLE'
  | 'NOTICE_TIMEOUT'
  | 'NOTICE_WEBHOOK_REFUSED'
  | 'NOTICE_WEBHOOK_UNREACHABLE';

export function noticeError(code: NoticeCode, message: string, cause?: unknown): AvailabilityError {
  return new AvailabilityError(message, { code, hint: 'look at "notify" and "mail" in config.json', cause });
}
