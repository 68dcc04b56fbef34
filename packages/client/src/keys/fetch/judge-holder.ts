import { policyHash, type Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { notedChain } from '../chain/key-chain.js';
import { certifyRecord, type CertifiedKey } from '../key-record.js';
import type { HolderVerdict } from './fetched-key.js';

/** What one server showed of one key. */
export interface Judged {
  readonly server: ServerRecord;
  readonly verdict: Exclude<HolderVerdict, 'not-added'>;
  readonly text: string;
  /** With `holds`: the key, checked from scratch. */
  readonly key: CertifiedKey | null;
}

/** What a server showed of a key, with all its certificates where it has changed. */
export type ShownKey = Result<'key.show'> & {
  /** Those of the changes, in order. */
  readonly changes: readonly Uint8Array[];
  /** There may be more of them: no more were asked for. */
  readonly isCapped?: true;
};

/** Reads certificates, each of them once however many servers show it. */
export type CertificateReader = (shown: ShownKey) => CertifiedKey | null;

export function createCertificateReader(): CertificateReader {
  const read = new Map<string, CertifiedKey | null>();
  return ({ certificate, changes, policy, key }) => {
    if (certificate === null) return null;
    // By its hash: a chain is long.
    const id = [policyHash(policy), ...[certificate, ...changes].map((one) => sha256(one))]
      .map(encodeHex)
      .join(' ');
    const known = read.get(id);
    if (known !== undefined) return known;
    // Of how the certificate does not hold a person learns nothing that he could use.
    let found: CertifiedKey | null = null;
    try {
      found = certifyRecord({
        name: 'fetched',
        ...notedChain(changes.length === 0 ? { certificate } : { certificate, changes }),
        policy,
        network: null,
        createdAt: key.createdAt,
        acknowledged: [],
      });
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
    }
    read.set(id, found);
    return found;
  };
}

/**
 * Judges what a server showed when it was asked for a key of ours. A certificate counts when it holds, is of this very
 * key, follows the policy shown with it, and names this server and all our other servers by their pinned identities.
 */
export function judgeHolder(
  read: CertificateReader,
  asked: {
    readonly server: ServerRecord;
    readonly keyId: Uint8Array;
    readonly pinned: readonly ServerRecord[];
  },
  shown: ShownKey,
): Judged {
  const { server, keyId, pinned } = asked;
  const differs = (text: string): Judged => ({ server, verdict: 'differs', text, key: null });
  if (!equalBytes(shown.key.keyId, keyId)) return differs('shows another key than it was asked for');
  if (shown.certificate === null) {
    const text = 'holds a share, but has not seen the certificate';
    return { server, verdict: 'pending', text, key: null };
  }
  const key = read(shown);
  if (key === null) return differs('shows a certificate or policy that does not hold');
  if (!equalBytes(key.keyId, keyId)) return differs('shows the certificate of another key');
  const { epoch, roster } = key.newest.params;
  if (epoch < shown.key.epoch && shown.isCapped !== true)
    return differs(
      `says that it is in epoch ${shown.key.epoch}, and shows certificates to epoch ${epoch} alone`,
    );
  if (!roster.some(({ serverId }) => equalBytes(serverId, server.xid))) {
    return differs('shows the certificate of a key that it has no part in');
  }
  const isImpostor = roster.some(({ serverId, identityKey }) =>
    pinned.some(
      ({ xid, publicKeys }) =>
        equalBytes(xid, serverId) && !equalBytes(publicKeys.signing.bytes, identityKey),
    ),
  );
  if (isImpostor) return differs('shows a certificate in which somebody else stands for one of your servers');
  return { server, verdict: 'holds', text: 'same certificate, same policy', key };
}

/** What it means that a server gave no answer. */
export function judgeRefusal(server: ServerRecord, error: CkmError): Judged {
  const { errorClass, code, message } = error;
  const verdict =
    errorClass === 'AvailabilityError' ? 'silent' : code === 'KEY_UNKNOWN' ? 'unknown' : 'refused';
  const text = verdict === 'unknown' ? 'says it holds no such key of yours' : message;
  return { server, verdict, text, key: null };
}
