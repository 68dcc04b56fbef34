import type { DoctorLine, ServerRecord } from '@ckm/client';
import { connect } from 'node:tls';

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

/** Unix milliseconds; null where no TLS connection comes about. */
function endOfCertificate({ hostname, port }: URL, timeoutMs: number): Promise<number | null> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const address = { host, port: port === '' ? 443 : Number(port), servername: nameIn(host) };
    // Nothing is said over it, and the date of one that is not trusted any more is just what is looked for.
    const socket = connect({ ...address, rejectUnauthorized: false });
    const end = (found: number | null) => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(timeoutMs, () => end(null));
    socket.once('error', () => end(null));
    socket.once('secureConnect', () => end(Date.parse(socket.getPeerCertificate().valid_to)));
  });
}

/** An address of numbers is no name that a server could be asked for. Source: RFC 6066 §3 */
function nameIn(host: string): string {
  return /^[0-9.]+$|:/.test(host) ? '' : host;
}
