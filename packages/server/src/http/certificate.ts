import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const DAY_SECONDS = 86_400;
/** Whoever renews certificates does so a month before they end; one with less is one that nobody renewed. */
const FEW_DAYS = 21;

/** When a certificate ends: the first one in the file, which is the server's own. UnixSeconds. */
export function endOf(certificate: Uint8Array): number {
  return secondsOf(new X509Certificate(certificate).validTo);
}

/**
 * Why owners refuse a certificate, or will before long, in words; empty: they do not. Whether they trust its authority nobody here
 * can say.
 * @param publicUrl how owners reach the server
 * @param now UnixSeconds
 */
export function doubtsAbout(certificate: Uint8Array, publicUrl: string, now: number): readonly string[] {
  const parsed = new X509Certificate(certificate);
  const { protocol, hostname } = new URL(publicUrl);
  const other = protocol === 'https:' && !isFor(parsed, hostname.replace(/^\[|\]$/g, ''));
  return [
    ...doubtsAboutTime(secondsOf(parsed.validFrom), secondsOf(parsed.validTo), now),
    ...(other ? [`is not for ${hostname}, by which owners reach this server: they refuse it`] : []),
  ];
}

function doubtsAboutTime(from: number, to: number, now: number): readonly string[] {
  const days = Math.floor(Math.abs(to - now) / DAY_SECONDS);
  const inDays = days === 1 ? '1 day' : `${days} days`;
  if (now < from) return ['is not valid yet by the clock of this machine: owners refuse it'];
  if (now > to) return [`ended ${inDays} ago: owners refuse it`];
  return to - now < FEW_DAYS * DAY_SECONDS ? [`ends in ${inDays}: renew it, then reload this server`] : [];
}

function isFor(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

function secondsOf(text: string): number {
  return Math.floor(Date.parse(text) / 1_000);
}
