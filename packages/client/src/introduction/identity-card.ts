import { identityCard, type IdentityCard } from '@ckm/api';
import { AccessError, CkmError, decodeUtf8 } from '@ckm/foundation';
import { inceptionKeyOf, parseEnvelopeUr, type PublicKeys, verifyXidDocument, type Xid } from '@ckm/gordian';
import type { Carrier } from '../carrier/carrier.js';

const MAX_CARD_BYTES = 32_768;

/** Who answers at an address, as it says itself, signed by itself. Whether to believe it is for its owner to compare. */
export interface Introduction {
  readonly xid: Xid;
  readonly publicKeys: PublicKeys;
  readonly title: string;
  readonly version: string;
  readonly accounts: IdentityCard['accounts'];
}

/**
 * Asks whoever answers at `url` who they are. The document must be signed by the key its XID is made from: an unsigned
 * one could carry somebody else's sealing key.
 * @throws AvailabilityError `SERVER_UNREACHABLE`, `SERVER_TIMEOUT`; AccessError `SERVER_IDENTITY_INVALID`
 */
export async function fetchIntroduction(
  carrier: Carrier,
  url: string,
  timeoutMs: number,
  authority: string | null,
): Promise<Introduction> {
  const card = readCard(await carrier.introduce(url, timeoutMs, authority));
  const document = card === null ? null : readDocument(card.document);
  const key = document === null ? null : inceptionKeyOf(document);
  if (card === null || document === null || key === null) throw identityInvalid(url);
  const { publicKeys } = key;
  if (publicKeys.signing.scheme !== 'ed25519') throw identityInvalid(url);
  return { xid: document.xid, publicKeys, title: card.name, version: card.version, accounts: card.accounts };
}

function readCard(body: Uint8Array): IdentityCard | null {
  if (body.length > MAX_CARD_BYTES) return null;
  try {
    const parsed = identityCard.safeParse(JSON.parse(decodeUtf8(body)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function readDocument(text: string) {
  try {
    return verifyXidDocument(parseEnvelopeUr(text));
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

function identityInvalid(url: string): AccessError {
  return new AccessError(`what answers at ${url} does not prove who it is`, {
    code: 'SERVER_IDENTITY_INVALID',
    hint: 'check the address, and ask the operator; do not add this server',
  });
}
