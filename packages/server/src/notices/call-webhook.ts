import { agentFor, openRequest, webProxyFor } from '@ckm/foundation/node';
import { createHmac } from 'node:crypto';
import type { NotifyConfig } from '../config/config.js';
import { readPrivateFile, withoutLineEnd } from '../vault/key-file.js';
import { noticeError } from './codes.js';
import type { Notice } from './notice.js';

type Webhook = NonNullable<NotifyConfig['webhook']>;

/** From the first packet to the status of the answer. */
const MOST_MS = 10_000;

/**
 * Sends a notice to the operator's address by POST. The answer is its status and nothing else: a redirect is a refusal, and
 * no body is read. With a secret, whoever listens there can tell that the notice is this server's:
 * `CKM-Signature: t=SECONDS,v1=HEX`, HMAC-SHA-256 over `SECONDS.BODY`. It goes through the web proxy that the environment names.
 * @throws AvailabilityError `NOTICE_WEBHOOK_…`, `NOTICE_TIMEOUT`; StorageError `KEY_FILE_…` for the file of the secret; UsageError
 *   `WEB_PROXY_UNSUPPORTED`
 */
export async function callWebhook(
  { url, secretFile }: Webhook,
  notice: Notice,
  signal: AbortSignal,
  mostMs: number = MOST_MS,
): Promise<void> {
  const body = JSON.stringify(notice);
  const signature = secretFile === null ? {} : { 'ckm-signature': sign(secretFile, body) };
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'ckm',
    ...signature,
  };
  const bounded = { signal: AbortSignal.any([signal, AbortSignal.timeout(mostMs)]), timeout: mostMs };
  const status = await post(new URL(url), headers, body, bounded);
  if (status >= 200 && status < 300) return;
  throw noticeError('NOTICE_WEBHOOK_REFUSED', `the webhook answered with status ${status}`);
}

function post(
  url: URL,
  headers: Readonly<Record<string, string | number>>,
  body: string,
  bounded: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<number> {
  const proxy = webProxyFor(url, process.env, process.versions.node);
  // One connection for one notice.
  const agent = agentFor(url.protocol, proxy, { keepAlive: false });
  return new Promise((resolve, reject) => {
    const sent = openRequest(url, proxy, { method: 'POST', headers, agent, ...bounded });
    sent.once('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    sent.once('error', (cause) => {
      const isLate = bounded.signal.aborted;
      reject(
        isLate
          ? noticeError('NOTICE_TIMEOUT', 'the webhook did not answer in time', cause)
          : noticeError('NOTICE_WEBHOOK_UNREACHABLE', 'the webhook cannot be reached', cause),
      );
    });
    sent.end(body);
  });
}

/** Read each time: who exchanges the file needs no restart. */
function sign(secretFile: string, body: string): string {
  const secret = readPrivateFile(secretFile);
  const seconds = Math.floor(Date.now() / 1000);
  const hmac = createHmac('sha256', withoutLineEnd(secret)).update(`${seconds}.${body}`).digest('hex');
  secret.fill(0);
  return `t=${seconds},v1=${hmac}`;
}
