import { equalBytes, reveal, type Secret, secret, UsageError } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { staticPointsOf } from '../../protocols/dkg/dealing.js';
import type { GenerationCertificate } from '../../protocols/dkg/output.js';
import { receiveShares } from '../../protocols/dkg/receive-shares.js';
import { type Result, staticKeysOf } from '../../protocols/dkg/run.js';
import { takeDealtShare } from '../../protocols/import/certify.js';
import { cocktailSuite } from '../cocktail/suite.js';
import { hashTranscript } from '../transcript-hash.js';
import {
  checkGeneration,
  checkImport,
  faultError,
  type KeyCertificate,
  type KeyOutput,
} from './certificate.js';

/**
 * Recovers one server's share from its static secret and the certificate, which anyone may supply: tampering is
 * found, because every byte of it is under all signatures, the server's own among them. That own signature proves that
 * the former self had checked its shares.
 * @throws PeerFaultError, EncodingError as `verifyCertificate`; PeerFaultError `SUSPECT_SHARE` for an encrypted share
 * that does not hold · EncodingError `SCALAR_INVALID` for a static secret that is none · UsageError `STATIC_SECRET_WRONG` when no slot belongs to the static secret
 */
export function recoverShare(certificate: KeyCertificate, staticSecret: Secret<Uint8Array>): KeyOutput {
  const take = receiverOf(certificate);
  const { suite, roster } = certificate.params;
  const { group } = cocktailSuite(suite);
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'recover a share from a certificate'));
  const agreement = group.agree(scalar);
  try {
    const own = group.encode(group.mulBase(scalar));
    const entry = roster.find(({ staticKey }) => equalBytes(staticKey, own));
    if (entry === undefined) throw staticSecretWrong();
    const share = take.share(entry.slot, scalar, agreement);
    if (!(share instanceof Uint8Array)) throw faultError(share);
    const { key, transcript } = take.result;
    return {
      share: { party: entry.slot, share: secret<Uint8Array>(share), public: key.public },
      certificate,
      transcriptHash: hashTranscript(transcript),
    };
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}

/** A certificate that was checked, and how a server takes its share out of it. */
interface Receiver {
  readonly result: Pick<Result, 'key' | 'transcript'>;
  share(slot: PartyIndex, staticSecret: SecretScalar, agreement: Agreement): SecretScalar | Fault;
}

function receiverOf(certificate: KeyCertificate): Receiver {
  if (certificate.kind === 'generation') return receiverOfGeneration(certificate);
  const result = checkImport(certificate);
  return { result, share: (...own) => takeDealtShare(certificate, result, ...own) };
}

function receiverOfGeneration(certificate: GenerationCertificate): Receiver {
  const result = checkGeneration(certificate);
  const senderKeys = staticKeysOf(certificate.params);
  return {
    result,
    share(me, staticSecret, agreement) {
      const staticPoints = staticPointsOf(result.suite, staticSecret, senderKeys, me);
      const receiverKey = senderKeys[me - 1]!;
      try {
        return receiveShares({ ...result, me, agreement, senderKeys, receiverKey, staticPoints });
      } finally {
        staticPoints.fill(0);
      }
    },
  };
}

function staticSecretWrong(): UsageError {
  return new UsageError('this static secret belongs to no server of the key', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'use the static secret that this server made for this key',
  });
}
