import { EncodingError } from '@ckm/foundation';

/**
 * What made the epoch that a certificate proves; the byte after the layout version is the index in this list.
 * `generation`: all servers together, out of nothing. `change`: the servers of the epoch before, for another roster.
 * `import`: a dealer who had the whole key.
 */
export const CERTIFICATE_KINDS = ['generation', 'change', 'import'] as const;
export type CertificateKind = (typeof CERTIFICATE_KINDS)[number];

/** One byte. */
export function encodeKind(kind: CertificateKind): Uint8Array {
  return Uint8Array.of(CERTIFICATE_KINDS.indexOf(kind));
}

/**
 * The kind that a reader can check. A change cannot be checked without the epoch before it, so that it has a reader of its own.
 * @throws EncodingError `CERTIFICATE_KIND_UNKNOWN` for every other
 */
export function parseKind<K extends CertificateKind>(byte: number, ...wanted: readonly K[]): K {
  const kind = CERTIFICATE_KINDS[byte];
  const found = wanted.find((one) => one === kind);
  if (found !== undefined) return found;
  throw new EncodingError('this certificate is of a kind that this version does not know', {
    code: 'CERTIFICATE_KIND_UNKNOWN',
    hint: 'bring this program up to the version that made the key',
    facts: { kind: kind ?? byte },
  });
}

/** What made the epoch of an encoded certificate, as its first bytes say; null: nothing that this version knows. Proves nothing. */
export function kindOfCertificate(certificate: Uint8Array): CertificateKind | null {
  return CERTIFICATE_KINDS[certificate[1] ?? CERTIFICATE_KINDS.length] ?? null;
}
