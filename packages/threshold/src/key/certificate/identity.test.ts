import { concatBytes, decodeHex, encodeHex, equalBytes, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { hash } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { FROZEN_BYTES } from '../../protocols/dkg/fixtures/frozen.js';
import { bytesOf, type Ceremony, createCeremony } from '../../protocols/dkg/fixtures/parties.js';
import { outputOf, runCeremony } from '../../protocols/dkg/fixtures/rogue.js';
import { isOfRound } from '../../protocols/dkg/messages.js';
import { resultOf } from '../../protocols/dkg/run.js';
import { deriveRoot, deriveRunSecrets } from '../../protocols/dkg/secrets.js';
import { type ChainCodeInput, hashChainCode } from '../../protocols/dkg/transcript.js';
import { signCocktail } from '../cocktail/signature.js';
import { cocktailSuite } from '../cocktail/suite.js';
import {
  CERTIFICATE_KINDS,
  encodeCertificate,
  encodeKeyParams,
  hashKeyParams,
  type KeyCertificate,
  parseCertificate,
  parseKeyParams,
  recoverShare,
  readinessStatement,
  recoveryAckStatement,
  verifyCertificate,
} from '../index.js';
import { codeOf } from '../../test/code-of.js';
import { SUITE_NAMES, type SuiteName } from '../cocktail/suite-name.js';

const flipped = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

/** A finished run of three, and what becomes of it when the last dealer changes what he deals. */
function finishedRun(name: SuiteName) {
  const ceremony = createCeremony(name, { needed: 2, of: 3 });
  const output = outputOf(runCeremony(ceremony), 1);
  const { params, round0, round1 } = output.certificate;
  const shares = round1.filter(isOfRound(1));
  const withLastDealing = (dealing: Uint8Array) => {
    const dealt = [...shares.slice(0, 2), { ...shares[2]!, dealing }];
    const result = resultOf(params, round0.filter(isOfRound(0)), dealt);
    if ('code' in result) throw new Error(result.code);
    return result;
  };
  return { ceremony, ...output, lastDealing: shares[2]!.dealing, withLastDealing };
}

/** What the last dealer knows and nobody else does: the constant term of his polynomial. */
function lastConstantTerm({ params, seedOf, staticBytesOf }: Ceremony) {
  const { group } = cocktailSuite(params.suite);
  const party = 3 as PartyIndex;
  const scalar = group.scalars.parseSecret(staticBytesOf(party));
  const root = deriveRoot(seedOf(party), scalar, hashKeyParams(params), party);
  return deriveRunSecrets(group, root, params.quorum.needed).coefficients[0]!;
}

describe.each(SUITE_NAMES)('the last dealer of a key of suite %s', (name) => {
  const { ceremony, share, lastDealing, withLastDealing } = finishedRun(name);
  const suite = cocktailSuite(name);
  const TRIES = 16;

  /** Any hash of the transcript, as the chain code once was, has as many values as there are transcripts here. */
  function grind(dealingOf: (tries: number) => Uint8Array) {
    const results = Array.from({ length: TRIES }, (_, tries) => withLastDealing(dealingOf(tries)));
    const different = (values: readonly Uint8Array[]) => new Set(values.map(encodeHex)).size;
    return {
      transcripts: different(results.map(({ transcript }) => hash('sha256', transcript))),
      chainCodes: results.map(({ key }) => encodeHex(key.public.chainCode)),
    };
  }

  const chosen = Array.from({ length: TRIES }, () => encodeHex(share.public.chainCode));

  it('cannot grind the chain code: his many valid proofs give one and the same', () => {
    const { context, dealings } = withLastDealing(lastDealing);
    const { commitment, ephemeralKey } = dealings[2]!;
    const publicKey = commitment.subarray(0, suite.group.elementByteLength);
    const message = concatBytes(context, commitment, ephemeralKey);
    const { transcripts, chainCodes } = grind((tries) => {
      const key = { secret: lastConstantTerm(ceremony), publicKey };
      const dealing = lastDealing.slice();
      dealing.set(signCocktail(suite, key, message, bytesOf(`hedge ${tries}`)), commitment.length);
      return dealing;
    });
    expect(transcripts).toBe(TRIES);
    expect(chainCodes).toEqual(chosen);
  });

  it('cannot grind the chain code with the ciphertext for himself, which nobody else can open', () => {
    const { transcripts, chainCodes } = grind((tries) => {
      const dealing = lastDealing.slice();
      dealing[dealing.length - 1]! ^= tries;
      return dealing;
    });
    expect(transcripts).toBe(TRIES);
    expect(chainCodes).toEqual(chosen);
  });
});

it('V25: the chain code hangs on the suite and on every bit that round 0 has fixed', () => {
  const opening = (label: string) => ({
    commitment: bytesOf(`C ${label}`),
    ephemeralKey: bytesOf(`E ${label}`),
    salt: bytesOf(`salt ${label}`),
  });
  const input: ChainCodeInput = {
    suiteName: 'secp256k1',
    sessionId: bytesOf('session'),
    openings: [opening('1'), opening('2')],
  };
  const withOpening = (i: number, change: object) => ({
    ...input,
    openings: input.openings.map((one, at) => (at === i ? { ...one, ...change } : one)),
  });
  const changed: ChainCodeInput[] = [
    { ...input, suiteName: 'secp256k1-tr' },
    { ...input, openings: [...input.openings].reverse() },
  ];
  for (let bit = 0; bit < 256; bit++) {
    changed.push({ ...input, sessionId: flipped(input.sessionId, bit) });
    for (const i of [0, 1])
      for (const field of ['commitment', 'ephemeralKey', 'salt'] as const)
        changed.push(withOpening(i, { [field]: flipped(input.openings[i]![field], bit) }));
  }
  const codes = new Set([input, ...changed].map((one) => encodeHex(hashChainCode(one))));
  expect(codes.size).toBe(1 + changed.length);
});

/** The certificate after one of its servers has signed the same transcript once more. */
function signedAnew(ceremony: Ceremony, certificate: KeyCertificate, slot: number): KeyCertificate {
  if (certificate.kind !== 'generation') throw new Error('not of a generation');
  const { params, round0, round1 } = certificate;
  const result = resultOf(params, round0.filter(isOfRound(0)), round1.filter(isOfRound(1)));
  if ('code' in result) throw new Error(result.code);
  const { suite, transcript } = result;
  const secret = suite.group.scalars.parseSecret(ceremony.staticBytesOf(slot as PartyIndex));
  const key = { secret, publicKey: params.roster[slot - 1]!.staticKey };
  const signature = signCocktail(suite, key, transcript, bytesOf('another hedge'));
  const signatures = certificate.signatures.map((one, i) => (i === slot - 1 ? signature : one));
  return { ...certificate, signatures };
}

describe.each(SUITE_NAMES)('a certificate of suite %s', (name) => {
  const { ceremony, certificate, share, transcriptHash } = finishedRun(name);

  it('altered by one of its servers is still the same key everywhere', () => {
    const altered = signedAnew(ceremony, certificate, 2);
    expect(equalBytes(encodeCertificate(altered), encodeCertificate(certificate))).toBe(false);
    const stored = parseCertificate(encodeCertificate(altered));
    expect(verifyCertificate(stored)).toEqual(verifyCertificate(certificate));
    expect(verifyCertificate(stored)).toEqual({ transcriptHash, public: share.public });
    const recovered = recoverShare(stored, ceremony.servers[0]!.staticSecret);
    expect(recovered.transcriptHash).toEqual(transcriptHash);
    expect(reveal(recovered.share.share, 'test')).toEqual(reveal(share.share, 'test'));
  });

  it('altered in anything else names no key at all', () => {
    const whole = encodeCertificate(certificate);
    const names = new Set<string>();
    for (let i = 0; i < whole.length; i += 97) {
      const bytes = flipped(whole, 8 * i + (i % 8));
      names.add(codeOf(() => verifyCertificate(parseCertificate(bytes)).transcriptHash));
    }
    expect(names).not.toContain('nothing thrown');
  });
});

describe('the name of an epoch', () => {
  const ceremony = createCeremony('ed25519', { needed: 2, of: 2 });
  const { params } = ceremony;
  const nameOf = (key: typeof params) => {
    const paramsOf = (me: PartyIndex) => ({ ...ceremony.paramsOf(me), key });
    return encodeHex(outputOf(runCeremony(ceremony, { params: paramsOf }), 1).transcriptHash);
  };

  it('is another for another purpose, key, flag, term, server address, and the same for the same', () => {
    const roster = params.roster.map((entry) => ({ ...entry, url: '' }));
    const names = [
      params,
      { ...params, purpose: 'other' },
      { ...params, flags: { ...params.flags, hd: false } },
      { ...params, termsHash: bytesOf('other terms') },
      { ...params, roster },
    ].map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    expect(nameOf(params)).toBe(names[0]);
  });
});

describe('the bytes of a certificate', () => {
  const bytes = decodeHex(FROZEN_BYTES.certificate);
  const ofKind = (kind: number) => bytes.map((byte, i) => (i === 1 ? kind : byte));

  it('say after the layout version what kind it is', () => {
    expect(CERTIFICATE_KINDS).toEqual(['generation', 'change', 'import']);
    expect([...bytes.subarray(0, 2)]).toEqual([1, 0]);
    expect(codeOf(() => parseCertificate(bytes))).toBe('nothing thrown');
  });

  it.each([1, 3, 127, 255])('of kind %i are refused in words, not misread as those of another', (kind) => {
    expect(() => parseCertificate(ofKind(kind))).toThrow(
      expect.objectContaining({
        code: 'CERTIFICATE_KIND_UNKNOWN',
        facts: { kind: CERTIFICATE_KINDS[kind] ?? kind },
      }),
    );
  });

  it('of another layout are refused', () => {
    for (const version of [0, 2, 255])
      expect(codeOf(() => parseCertificate(Uint8Array.of(version, ...bytes.subarray(1))))).toBe(
        'LAYOUT_INVALID',
      );
  });
});

describe.each([
  ['the acknowledgement of storage', recoveryAckStatement, 'CKM recovery acknowledgement v1'],
  ['the readiness for a certificate that is to count', readinessStatement, 'CKM settlement readiness v1'],
] as const)('%s', (_, statementOf, prefix) => {
  const { keyId, epoch } = createCeremony('ed25519', { needed: 2, of: 2 }).params;
  const said = { keyId, epoch, slot: 1 as PartyIndex, transcriptHash: bytesOf('transcript') };
  const statement = statementOf(said);

  it('V17: is another for every key, epoch, slot and transcript', () => {
    const changes = [
      { keyId: bytesOf('other') },
      { epoch: 1 },
      { slot: 2 as PartyIndex },
      { transcriptHash: bytesOf('other') },
    ];
    for (const change of changes) expect(statementOf({ ...said, ...change })).not.toEqual(statement);
  });

  it('V17: is no 32-byte digest that another protocol could sign', () => {
    expect(statement.length).toBeGreaterThan(32);
    expect(new TextDecoder().decode(statement.subarray(0, prefix.length))).toBe(prefix);
  });

  it('V1: of slot 0, of another kind of number, and of what is too short is refused', () => {
    for (const slot of [0, -1, 65536, 1.5])
      expect(codeOf(() => statementOf({ ...said, slot: slot as PartyIndex }))).toBe('PARTY_INDEX_INVALID');
    const wrong = [
      { keyId: keyId.subarray(1) },
      { transcriptHash: new Uint8Array() },
      { epoch: -1 },
      { epoch: 0.5 },
      { epoch: 2 ** 32 },
    ];
    for (const change of wrong)
      expect(codeOf(() => statementOf({ ...said, ...change }))).toBe('LAYOUT_INVALID');
  });
});

it('every bit of the parameters is refused when flipped, or gives another hash', { tags: 'slow' }, () => {
  const { params } = createCeremony('ed25519', { needed: 2, of: 2 });
  const bytes = encodeKeyParams(params);
  const hashes = new Set([encodeHex(hashKeyParams(params))]);
  let read = 0;
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const code = codeOf(() => {
      hashes.add(encodeHex(hashKeyParams(parseKeyParams(flipped(bytes, bit)))));
      read++;
    });
    expect(code).toMatch(
      /^(nothing thrown|LAYOUT_INVALID|KEY_PARAMS_INVALID|ROSTER_INVALID|DKG_VERSION_UNKNOWN|SUITE_UNKNOWN|QUORUM_INVALID|UTF8_INVALID)$/,
    );
  }
  expect(read).toBeGreaterThan(1000);
  expect(hashes.size).toBe(1 + read);
});
