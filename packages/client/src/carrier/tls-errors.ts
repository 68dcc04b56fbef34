import { AvailabilityError, toShowable } from '@ckm/foundation';

/** Nobody whom this machine trusts vouches for the certificate. */
const UNKNOWN: Readonly<Record<string, string>> = {
  CERT_REVOKED: 'was revoked by its authority',
  CERT_UNTRUSTED: 'is of an authority that this machine does not trust',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed: no authority vouches for it',
  SELF_SIGNED_CERT_IN_CHAIN: 'is of an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT: 'is of an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is of an authority that this machine does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is of an authority that this machine does not know',
};

/** Somebody vouches for it, for another time. */
const OUT_OF_TIME: Readonly<Record<string, readonly [text: string, hint: string]>> = {
  CERT_HAS_EXPIRED: [
    'has expired',
    'ask its operator to renew it; or set the clock of this machine, if it is wrong',
  ],
  CERT_NOT_YET_VALID: [
    'is not valid yet',
    'look at the clock of this machine; if it is right, ask its operator',
  ],
};

/** How OpenSSL says that what came back to its first words is no TLS. */
const NO_TLS: ReadonlySet<string> = new Set([
  'EPROTO',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);
/** The first byte of what a TLS server answers to somebody who speaks HTTP: an alert. Source: RFC 8446 §5.1 */
const TLS_ALERT = 21;

/**
 * What is wrong with the TLS of whoever answers at an address; null when it is something else.
 * @param reason in the words of Node and of OpenSSL below it
 */
export function tlsError(url: string, reason: string, cause: unknown): AvailabilityError | null {
  const certificate = certificateError(url, reason, cause);
  if (certificate !== null) return certificate;
  if (url.startsWith('https:') && NO_TLS.has(reason)) {
    return notSpoken(url, 'does not speak TLS', 'http, if it is meant to be reached without TLS', cause);
  }
  if (!reason.startsWith('HPE_')) return null;
  return firstByteOf(cause) === TLS_ALERT
    ? tlsSpoken(url, cause)
    : new AvailabilityError(`what listens at ${url} does not speak HTTP`, {
        code: 'SERVER_NOT_HTTP',
        hint: 'check the address and its port: it is no Secret Server',
        cause,
      });
}

function certificateError(url: string, reason: string, cause: unknown): AvailabilityError | null {
  const certificate = `the TLS certificate at ${url}`;
  const unknown = UNKNOWN[reason];
  if (unknown !== undefined) {
    return new AvailabilityError(`${certificate} ${unknown} (${reason})`, {
      code: 'SERVER_CERTIFICATE_UNKNOWN',
      hint: 'get the certificate of its authority from its operator, and add the server with it',
      remedy: { kind: 'trustAuthority', ...(isPlain(url) ? { url } : {}) },
      cause,
    });
  }
  const time = OUT_OF_TIME[reason];
  if (time !== undefined) {
    const [text, hint] = time;
    return new AvailabilityError(`${certificate} ${text}`, { code: 'SERVER_CERTIFICATE_TIME', hint, cause });
  }
  if (reason !== 'ERR_TLS_CERT_ALTNAME_INVALID') return null;
  return new AvailabilityError(`${certificate} is for another name${namesIn(cause)}`, {
    code: 'SERVER_CERTIFICATE_NAME',
    hint: 'use the name that it is for in the address, or ask its operator for one that names this address',
    cause,
  });
}

/** Who was asked in HTTP speaks TLS. */
export function tlsSpoken(url: string, cause: unknown): AvailabilityError {
  return notSpoken(url, 'speaks TLS', 'https', cause);
}

function notSpoken(url: string, what: string, scheme: string, cause: unknown): AvailabilityError {
  return new AvailabilityError(`what listens at ${url} ${what}`, {
    code: 'SERVER_NOT_HTTP',
    hint: `check the port; or begin the address with ${scheme}`,
    cause,
  });
}

/** Whether a remedy may hold it. */
function isPlain(url: string): boolean {
  return /^https?:\/\/[A-Za-z0-9.:[\]_~/%-]{1,250}$/.test(url);
}

const MOST_NAMES = 120;

/** The names that a certificate is for, as far as they fit on a line; whoever made it chose them. */
function namesIn(cause: unknown): string {
  const names = innerOf(cause, 'cert') as { readonly subjectaltname?: unknown } | undefined;
  if (typeof names?.subjectaltname !== 'string') return '';
  const listed = names.subjectaltname.replace(/DNS:|IP Address:/g, '');
  return `: ${toShowable(listed.length > MOST_NAMES ? `${listed.slice(0, MOST_NAMES)}…` : listed)}`;
}

function firstByteOf(cause: unknown): number | undefined {
  const packet = innerOf(cause, 'rawPacket');
  return packet instanceof Uint8Array ? packet[0] : undefined;
}

/** A field of an error, or of what `fetch` says was its cause. */
function innerOf(cause: unknown, field: string): unknown {
  const inner = cause instanceof Error ? cause.cause : undefined;
  const found = [inner, cause].find((one) => typeof one === 'object' && one !== null && field in one);
  return (found as Readonly<Record<string, unknown>> | undefined)?.[field];
}
