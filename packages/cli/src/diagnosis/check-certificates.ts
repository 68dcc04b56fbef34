import type { DoctorLine, ServerRecord } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import { agentFor, openRequest, type WebProxy, webProxyFor } from '@ckm/foundation/node';
import type { TLSSocket } from 'node:tls';

const DAY_MS = 86_400_000;
/** Whoever renews certificates does so a month before they end; a server with less is one that nobody renewed. */
const FEW_DAYS = 21;

/** How long the TLS certificates of servers last. Of one that cannot be asked another line says why. */
export async function checkCertificates(
  servers: readonly Pick<ServerRecord, 'name' | 'url'>[],
  timeoutMs: number,
): Promise<DoctorLine[]> {
  const secured = servers.filter(({ url }) => url.startsWith('https:'));
  const lines = await Promise.all(
    secured.map(async ({ name, url }) => {
      const end = await endOfCertificate(new URL(url), timeoutMs);
      return end === null ? [] : [certificateLine(name, (end - Date.now()) / DAY_MS)];
    }),
  );
  return lines.flat();
}

/** @param days how long it still lasts; negative: it has ended */
export function certificateLine(subject: string, days: number): DoctorLine {
  const count = Math.floor(Math.abs(days));
  const named = count === 1 ? '1 day' : `${count} days`;
  if (days >= FEW_DAYS) return { level: 'ok', subject, text: `its TLS certificate lasts ${named} more` };
  const fix = 'ask its operator to renew it';
  if (days < 0) return { level: 'fail', subject, text: `its TLS certificate ended ${named} ago`, fix };
  return { level: 'warn', subject, text: `its TLS certificate lasts ${named} more`, fix };
}

/** Unix milliseconds; null where no TLS connection comes about. It goes the way that messages go, through a web proxy too. */
function endOfCertificate(url: URL, timeoutMs: number): Promise<number | null> {
  const proxy = proxyFor(url);
  if (proxy === undefined) return Promise.resolve(null);
  return new Promise((resolve) => {
    // Nothing is said over it, and the date of one that is not trusted any more is just what is looked for.
    const agent = agentFor(url.protocol, proxy, { rejectUnauthorized: false });
    const sent = openRequest(url, proxy, { method: 'HEAD', agent, timeout: timeoutMs });
    const end = (found: number | null) => {
      sent.destroy();
      resolve(found);
    };
    sent.once('timeout', () => end(null));
    sent.once('error', () => end(null));
    sent.once('response', ({ socket }) =>
      end(Date.parse((socket as TLSSocket).getPeerCertificate().valid_to)),
    );
    sent.end();
  });
}

/** Undefined where the environment names a web proxy that cannot be used, which other lines say. */
function proxyFor(url: URL): WebProxy | null | undefined {
  try {
    return webProxyFor(url, process.env, process.versions.node);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
