import { policyHash, signIdentityStatement, type KeyPolicy } from '@ckm/api';
import { reveal } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import {
  createStaticKey,
  dkgProtocol,
  firstEpoch,
  encodeCertificate,
  simulate,
  staticKeyStatement,
  type DkgMessage,
  type KeyCertificate,
  type KeyParams,
  type PartyIndex,
  type RosterEntry,
  type ShareMessage,
} from '@ckm/threshold';
import { cocktailSuite, isOfRound, resultOf, signCocktail } from '@ckm/threshold/test';

/** One server of a certificate that somebody makes up. */
export interface Signatory {
  readonly identity: Identity;
  readonly staticSeed: Uint8Array;
}

/**
 * A certificate under which every signature holds, those of its first server too, although one ciphertext for that server
 * is not what it should be: what no honest server ever signs, and the sharpest tool there would be for asking one about
 * its static key. @param garble what becomes of the last encrypted share that is for slot 1; null: it is left as it is
 */
export function garbledCertificate(
  keyId: Uint8Array,
  policy: KeyPolicy,
  signatories: readonly Signatory[],
  garble: ((ciphertext: Uint8Array) => void) | null,
): Uint8Array {
  const scope = { suite: 'ed25519', keyId, ...firstEpoch() } as const;
  const secrets = signatories.map(({ staticSeed }) => createStaticKey(scope.suite, keyId, 0, staticSeed));
  const roster = signatories.map(({ identity }, i): RosterEntry => {
    const { staticKey, staticProof } = secrets[i]!;
    const { signing, agreement } = identity.publicKeys;
    const who = { serverId: identity.xid, identityKey: signing.bytes, sealingKey: agreement };
    const statement = staticKeyStatement({ ...scope, ...who, staticKey, staticProof });
    const identitySignature = signIdentityStatement(identity, statement);
    return { slot: (i + 1) as PartyIndex, ...who, staticKey, staticProof, identitySignature, url: '' };
  });
  const quorum = { needed: 2, of: signatories.length };
  const params: KeyParams = { ...scope, purpose: 'message', quorum, roster, termsHash: policyHash(policy) };
  const parties = roster.map(({ slot }) => slot);
  const run = simulate({
    protocol: dkgProtocol,
    parties,
    params: (me) => ({ key: params, me, staticSecret: secrets[me - 1]!.staticSecret }),
    seed: (party) => new Uint8Array(32).fill(100 + party),
  });
  const outcome = run.outcomes.get(1 as PartyIndex);
  if (outcome?.kind !== 'finished') throw new Error('the honest run did not finish');
  const { round0, round1 } = outcome.output.certificate;
  const dealings = round1.filter(isOfRound(1)).map((message, i) => garbled(message, i === 1 ? garble : null));
  return encodeCertificate(signAnew(params, round0, dealings, secrets));
}

function garbled(message: ShareMessage, garble: ((ciphertext: Uint8Array) => void) | null): ShareMessage {
  const dealing = message.dealing.slice();
  // C₀ C₁, the proof (64), E, and then frames of 8 + 48 bytes; the first is for slot 1.
  garble?.(dealing.subarray(2 * 32 + 64 + 32 + 8).subarray(0, 48));
  return { ...message, dealing };
}

function signAnew(
  params: KeyParams,
  round0: readonly DkgMessage[],
  round1: readonly ShareMessage[],
  secrets: readonly ReturnType<typeof createStaticKey>[],
): KeyCertificate {
  const result = resultOf(params, round0.filter(isOfRound(0)), round1);
  if ('code' in result) throw new Error(result.code);
  const suite = cocktailSuite(params.suite);
  const signatures = secrets.map(({ staticSecret, staticKey }) => {
    const secret = suite.group.scalars.parseSecret(reveal(staticSecret, 'test'));
    return signCocktail(
      suite,
      { secret, publicKey: staticKey },
      result.transcript,
      new Uint8Array(32).fill(9),
    );
  });
  return { kind: 'generation', params, round0, round1, signatures };
}
