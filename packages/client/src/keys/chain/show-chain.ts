import { CkmError } from '@ckm/foundation';
import { kindOfCertificate, parseChangeCertificate } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';

/** Whether certificates go into one message to a server. */
export function areOnePage(certificates: readonly Uint8Array[], pageBytes: number): boolean {
  return bytesOf(certificates) <= pageBytes;
}

/**
 * Asks a server what it needs the certificates of a key for. Where they are too long for one message it is asked with the newest alone, and where
 * it does not know what that follows on it is shown the others first, page by page, from where it was shown them before, whoever did that.
 * @param certificates in order of epochs, up to the newest
 * @param ask asks with these of them; it is called again once the server was shown the others
 */
export async function askWithChain<T>(
  link: ServerLink,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
  ask: (chain: Uint8Array[]) => Promise<T>,
): Promise<T> {
  if (areOnePage(certificates, link.chainPageBytes)) return ask([...certificates]);
  const newest = certificates.slice(-1);
  try {
    return await ask(newest);
  } catch (error) {
    if (!isNotShown(error)) throw error;
    await showPages(link, keyId, certificates.slice(0, -1), error.facts['epoch']);
  }
  return ask(newest);
}

/** @param shown the newest epoch that the server was shown, as it says itself: of another chain, where somebody shows it two */
async function showPages(
  link: ServerLink,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
  shown: unknown,
): Promise<void> {
  const showFrom = async (at: number) => {
    for (const page of pagesOf(certificates.slice(at), link.chainPageBytes))
      await link.call('key.learn', { keyId, certificates: page });
  };
  const at = typeof shown === 'number' ? shown + 1 - epochOf(certificates[0]!) : 0;
  const isThere = at > 0 && at < certificates.length;
  try {
    await showFrom(isThere ? at : 0);
  } catch (error) {
    if (!isThere || !isNotShown(error)) throw error;
    await showFrom(0);
  }
}

/** In order, as many in each as go into one message; one that is longer goes alone. */
export function pagesOf(certificates: readonly Uint8Array[], pageBytes: number): readonly Uint8Array[][] {
  const pages: Uint8Array[][] = [];
  for (const certificate of certificates) {
    const page = pages.at(-1);
    if (page !== undefined && areOnePage([...page, certificate], pageBytes)) page.push(certificate);
    else pages.push([certificate]);
  }
  return pages;
}

function epochOf(certificate: Uint8Array): number {
  return kindOfCertificate(certificate) === 'change'
    ? parseChangeCertificate(certificate).change.next.epoch
    : 0;
}

/** Whether a server does not have what certificates follow on, or nothing of the key at all. */
function isNotShown(error: unknown): error is CkmError {
  return error instanceof CkmError && ['CHAIN_NOT_SHOWN', 'KEY_UNKNOWN'].includes(error.code);
}

function bytesOf(certificates: readonly Uint8Array[]): number {
  return certificates.reduce((sum, { length }) => sum + length, 0);
}
