import { CkmError } from '@ckm/foundation';
import { readFileSync } from 'node:fs';
import type { MailConfig } from '../config/config.js';
import { noticeError } from '../notices/codes.js';
import { readPrivateFile, withoutLineEnd } from '../vault/key-file.js';
import { outboxRefused } from './refused.js';

/** A message of plain text to one person. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** From the first packet to the answer to the whole message. */
const MOST_MS = 30_000;
/** No step takes longer. */
const STEP_MS = 10_000;

/**
 * Hands a message to the operator's mail server, over TLS unless that is this machine. Resolves when it has taken the message into its
 * care: 250 after the end of the message. Source: RFC 5321 §4.2.5 and 4.5.5, RFC 3207, RFC 8314.
 * @throws AvailabilityError `NOTICE_MAIL_…`, `NOTICE_TIMEOUT`, `OUTBOX_REFUSED`; StorageError `KEY_FILE_…` for the file of the password
 */
export async function sendMail(
  config: MailConfig,
  { to, subject, text }: Mail,
  signal: AbortSignal,
  mostMs: number = MOST_MS,
): Promise<void> {
  const late = AbortSignal.timeout(mostMs);
  try {
    const transport = await transportOf(config, Math.min(STEP_MS, mostMs));
    const { response, accepted } = await transport.sendMail({
      from: { name: '', address: config.from },
      to: { name: '', address: to },
      subject,
      text,
      // Source: RFC 3834 §5: whoever answers by himself does not answer this.
      headers: { 'Auto-Submitted': 'auto-generated' },
      xMailer: false,
      signal: AbortSignal.any([signal, late]),
    });
    if (!response.startsWith('250') || accepted.length !== 1)
      throw noticeError('NOTICE_MAIL_UNREACHABLE', 'the mail server did not say that it took the message');
  } catch (error) {
    throw error instanceof CkmError ? error : faultOf(error, late.aborted);
  }
}

async function transportOf(config: MailConfig, stepMs: number) {
  // Only who sends mail loads it.
  const { createTransport } = await import('nodemailer');
  const { host, port, tls, user, passwordFile, caFile, from } = config;
  const pass = passwordFile === null ? '' : passwordIn(passwordFile);
  return createTransport({
    host,
    port,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user === null ? {} : { auth: { user, pass } }),
    tls: { minVersion: 'TLSv1.2', ...(caFile === null ? {} : { ca: readFileSync(caFile) }) },
    // Not the name of this machine, which is nobody's business.
    name: from.slice(from.lastIndexOf('@') + 1),
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    dnsTimeout: stepMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
}

/** Read each time: who exchanges the file needs no restart. */
function passwordIn(file: string): string {
  const bytes = readPrivateFile(file);
  const password = Buffer.from(withoutLineEnd(bytes)).toString('utf8');
  bytes.fill(0);
  return password;
}

/** Replies that say that nobody may send there like that, whatever the message. Source: RFC 4954 §6, RFC 3207 §4. */
const LOGIN_REPLIES: readonly number[] = [530, 534, 535, 538];

/** Of what the other side said nothing but its number counts: its text may be anything. */
function faultOf(error: unknown, isLate: boolean): CkmError {
  const { code, responseCode = 0 } = error as { readonly code?: string; readonly responseCode?: number };
  if (isLate || code === 'ETIMEDOUT')
    return noticeError('NOTICE_TIMEOUT', 'the mail server did not answer in time', error);
  if (code === 'EAUTH' || LOGIN_REPLIES.includes(responseCode))
    return noticeError(
      'NOTICE_MAIL_LOGIN',
      'the mail server does not know the user of "mail", or his password',
      error,
    );
  const isOfMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  if (isOfMessage && responseCode >= 500) return outboxRefused(error);
  if (isOfMessage && responseCode >= 400)
    return noticeError('NOTICE_MAIL_LATER', 'the mail server takes the message later, it says', error);
  return noticeError('NOTICE_MAIL_UNREACHABLE', 'the mail server cannot be reached as "mail" says', error);
}
