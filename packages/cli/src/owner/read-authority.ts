import { EncodingError } from '@ckm/foundation';
import { readInput } from '../terminal/read-input.js';

const MOST_BYTES = 65_536;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates (PEM) in a file, and nothing else of it.
 * @throws EncodingError `AUTHORITY_INVALID`; StorageError `FILE_UNREADABLE`; UsageError `FILE_TOO_LARGE`
 */
export async function readAuthority(path: string): Promise<string> {
  const text = new TextDecoder().decode(
    await readInput(path, MOST_BYTES, 'name a file with certificates alone'),
  );
  const blocks = text.match(BLOCK) ?? [];
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw invalid(path, 'a certificate in it cannot be read', cause);
  }
  if (blocks.length === 0) throw invalid(path, 'there is no certificate (PEM) in it');
  return `${blocks.join('\n')}\n`;
}

/** Whom certificates (PEM) are of and how long they last, a line each, for people. */
export function authorityLines(authority: string): readonly string[] {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  return (authority.match(BLOCK) ?? []).map((block) => {
    const { subject, validTo } = new X509Certificate(block);
    return `${subject.replaceAll('\n', ', ')}, until ${validTo}`;
  });
}

function invalid(path: string, why: string, cause?: unknown): EncodingError {
  return new EncodingError(`${path} names no authority: ${why}`, {
    code: 'AUTHORITY_INVALID',
    hint: 'ask the operator for the certificate of the authority, a file that begins with -----BEGIN CERTIFICATE-----',
    ...(cause === undefined ? {} : { cause }),
  });
}
