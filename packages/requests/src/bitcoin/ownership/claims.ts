import { encodeHex, equalBytes } from '@ckm/foundation';
import { deriveKey, DEEPEST_PATH, type DerivationPath, type PublicKeyPackage } from '@ckm/threshold';
import { demand, type RequestErrorCode } from '../../errors.js';
import type { KeyClaim } from '../psbt/parse.js';
import { isSingleKey, keyFingerprint } from '../wallet/wallet.js';

/** A claim that was derived again, with the path that does lead from the key to what it names. */
export interface ProvenClaim {
  readonly claim: KeyClaim;
  readonly path: DerivationPath;
}

const UNHARDENED = 0x8000_0000;
/** What wallets write that were never told the fingerprint of a key. */
const FINGERPRINT_NOT_SAID = 0;
const WALLET_PATH_LENGTH = 2;

/**
 * The claim about a key of ours, if there is one. What counts is that a path leads from our key to the one that is claimed;
 * a fingerprint only says who must not be wrong. Whoever claims something in the key's own name is refused when no path
 * leads there.
 * @throws EncodingError `whenFalse`; `PSBT_TOO_MANY_PARTS` for claims about several keys of ours
 */
export function provenClaim(
  claims: readonly KeyClaim[],
  key: PublicKeyPackage,
  whenFalse: RequestErrorCode,
): ProvenClaim | null {
  const mark = keyFingerprint(key);
  const proven: ProvenClaim[] = [];
  for (const claim of claims) {
    const path = pathTo(claim, key, mark);
    if (path !== null) proven.push({ claim, path });
    else
      demand(claim.fingerprint !== mark, whenFalse, 'the PSBT claims a path of the key that leads elsewhere');
  }
  const keys = new Set(proven.map(({ claim }) => encodeHex(claim.publicKey)));
  demand(keys.size <= 1, 'PSBT_TOO_MANY_PARTS', 'one part of the PSBT names several keys of ours');
  return proven.find(({ claim }) => !claim.isEcdsa) ?? proven[0] ?? null;
}

/** Whether a path leads from our key to one that is claimed. */
export function namesOurKey(claims: readonly KeyClaim[], key: PublicKeyPackage): boolean {
  const mark = keyFingerprint(key);
  return claims.some((claim) => pathTo(claim, key, mark) !== null);
}

function pathTo(claim: KeyClaim, key: PublicKeyPackage, mark: number): DerivationPath | null {
  const path = isSingleKey(key) ? [] : possiblePath(claim, mark);
  if (path === null) return null;
  const { groupKey } = deriveKey(key, { path, taproot: null });
  return equalBytes(groupKey.slice(1), claim.publicKey) ? path : null;
}

/**
 * How a claimed path may lead from our key: a wallet to which the key was given under an origin writes the origin in front,
 * which is hardened as a rule. Only in the key's own name it may be any path; each other claim costs one short derivation
 * at most, whoever makes it.
 */
function possiblePath({ path, fingerprint }: KeyClaim, mark: number): DerivationPath | null {
  const below = path.slice(path.findLastIndex((index) => index >= UNHARDENED) + 1);
  if (fingerprint === mark) return below.length <= DEEPEST_PATH ? below : null;
  const asInWallets = below.slice(-WALLET_PATH_LENGTH);
  const isWhole = asInWallets.length === WALLET_PATH_LENGTH || fingerprint === FINGERPRINT_NOT_SAID;
  return isWhole ? asInWallets : null;
}
