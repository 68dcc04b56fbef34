import { PeerFaultError } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { collude } from '../../protocols/dkg/fixtures/collusion.js';
import { bytesOf, createCeremony, createServer } from '../../protocols/dkg/fixtures/parties.js';
import { endings, outputOf, runCeremony } from '../../protocols/dkg/fixtures/rogue.js';
import { type CertifyMessage, findPublicFault, type ShareMessage } from '../../protocols/dkg/index.js';
import {
  encodeCertificate,
  type KeyCertificate,
  parseCertificate,
  recoverShare,
  verifyCertificate,
} from '../index.js';
import { codeOf } from '../../test/code-of.js';
import type { SuiteName } from '../cocktail/suite-name.js';
import { resultOf } from '../../protocols/dkg/run.js';
import { cocktailSuite } from '../cocktail/suite.js';
import { verifyCocktail } from '../cocktail/signature.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const run = runCeremony(ceremony);
const { certificate, share, transcriptHash } = outputOf(run, 1);
const bytes = encodeCertificate(certificate);
const suite = cocktailSuite('ed25519');

describe('a certificate', () => {
  it('proves the key that its parties hold', () => {
    expect(verifyCertificate(certificate)).toEqual({ public: share.public, transcriptHash });
  });

  it('has one encoding, which parses back to it', () => {
    expect(parseCertificate(bytes)).toEqual(certificate);
    expect(encodeCertificate(parseCertificate(bytes))).toEqual(bytes);
  });

  it.each([
    ['any one byte', 'ed25519', 1],
    ['every 31st byte', 'ristretto255', 31],
    ['every 31st byte', 'secp256k1', 31],
    ['every 31st byte', 'secp256k1-tr', 31],
    ['every 31st byte', 'P-256', 31],
  ] as const)(
    'V32: with a bit flipped in %s, one at a time, is refused with a typed error: %s',
    { tags: 'slow' },
    (_, name, step) => {
      const small = outputOf(runCeremony(createCeremony(name, { needed: 2, of: 2 })), 1).certificate;
      const whole = encodeCertificate(small);
      const accepted: number[] = [];
      for (let i = 0; i < whole.length; i += step) {
        const changed = whole.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
        const code = codeOf(() => verifyCertificate(parseCertificate(changed)));
        if (code === 'nothing thrown') accepted.push(i);
      }
      expect(accepted).toEqual([]);
    },
  );

  it('V32: cut short anywhere, or longer, is refused', () => {
    for (let length = 0; length < bytes.length; length += 13) {
      expect(codeOf(() => parseCertificate(bytes.subarray(0, length)))).not.toBe('nothing thrown');
    }
    expect(codeOf(() => parseCertificate(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => parseCertificate(new Uint8Array(1 << 20)))).toBe('LAYOUT_TOO_LONG');
  });

  it.each(['round0', 'round1', 'signatures'] as const)(
    'V4: with a list of %s that is empty, short or long is refused',
    (field) => {
      const list = certificate[field] as readonly unknown[];
      for (const wrong of [[], list.slice(1), list.slice(0, -1), [...list, list[0]]]) {
        const changed = { ...certificate, [field]: wrong } as KeyCertificate;
        expect(codeOf(() => verifyCertificate(changed))).toBe('CERTIFICATE_INVALID');
      }
    },
  );

  it('V4: with signatures that are empty, or of another shape, is refused', () => {
    const wrong = [
      new Uint8Array(),
      new Uint8Array(63),
      new Uint8Array(65),
      'signature' as unknown as Uint8Array,
    ];
    for (const signature of wrong) {
      const changed = { ...certificate, signatures: [signature, ...certificate.signatures.slice(1)] };
      expect(codeOf(() => verifyCertificate(changed))).toBe('CERTIFICATE_INVALID');
    }
  });

  it('with messages in each other’s place is refused', () => {
    const swap = <T>([a, b, c]: readonly T[]) => [b, a, c] as T[];
    const { round0, round1, signatures } = certificate;
    expect(codeOf(() => verifyCertificate({ ...certificate, round0: swap(round0) }))).toBe(
      'FAULT_COMMITMENT_OPENING',
    );
    expect(codeOf(() => verifyCertificate({ ...certificate, round1: swap(round1) }))).toBe(
      'FAULT_COMMITMENT_OPENING',
    );
    expect(codeOf(() => verifyCertificate({ ...certificate, signatures: swap(signatures) }))).toBe(
      'FAULT_SIGNATURE_INVALID',
    );
    expect(codeOf(() => verifyCertificate({ ...certificate, round0: round1, round1: round0 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it('names whose part does not hold', () => {
    const round1 = certificate.round1.map((message, i) =>
      i === 1 ? { ...(message as ShareMessage), sessionId: bytesOf('other') } : message,
    );
    const errorOf = (changed: KeyCertificate) => {
      try {
        verifyCertificate(changed);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    expect(errorOf({ ...certificate, round1 })).toMatchObject({
      code: 'FAULT_SESSION',
      facts: { culprits: [2] },
    });
    const signatures = certificate.signatures.map((signature, i) =>
      i === 2 ? signature.map((b) => b ^ 1) : signature,
    );
    expect(errorOf({ ...certificate, signatures })).toMatchObject({
      code: 'FAULT_SIGNATURE_INVALID',
      facts: { culprits: [3] },
    });
    expect(errorOf({ ...certificate, signatures })).toBeInstanceOf(PeerFaultError);
  });

  it('by all servers together for a roster that does not hold is refused', () => {
    const honest = collude(ceremony.params, ceremony.servers);
    expect(codeOf(() => verifyCertificate(honest))).toBe('nothing thrown');
    const unsigned = ceremony.params.roster.map((entry) => ({
      ...entry,
      identitySignature: new Uint8Array(64),
    }));
    const forged = collude({ ...ceremony.params, roster: unsigned }, ceremony.servers);
    expect(codeOf(() => verifyCertificate(forged))).toBe('FAULT_ROSTER');
    expect(codeOf(() => recoverShare(forged, ceremony.servers[0]!.staticSecret))).toBe('FAULT_ROSTER');
  });

  it('by all servers together for a later epoch is refused: such a key is not new', () => {
    const later = { ...ceremony.params, epoch: 1, previous: transcriptHash };
    const servers = ['alpha', 'bravo', 'charlie'].map((name, i) => createServer(later, name, i + 1));
    const forged = collude({ ...later, roster: servers.map(({ entry }) => entry) }, servers);
    expect(codeOf(() => verifyCertificate(forged))).toBe('EPOCH_INVALID');
  });
});

describe('whoever is told that a party is at fault', () => {
  const { params, round0, round1, signatures } = certificate;
  const round2 = signatures.map((signature) => ({ round: 2 as const, view: bytesOf('any'), signature }));

  it('finds nothing against parties that are not', () => {
    expect(findPublicFault(params, [])).toBeNull();
    expect(findPublicFault(params, [round0])).toBeNull();
    expect(findPublicFault(params, [round0, round1])).toBeNull();
    expect(findPublicFault(params, [round0, round1, round2])).toBeNull();
  });

  it('finds the one who is, in rounds that are whole, and blames nobody for what is missing', () => {
    const bent = round1.map((message, i) =>
      i === 1 ? { ...(message as ShareMessage), salt: bytesOf('other') } : message,
    );
    const forged = round2.map((message, i) =>
      i === 2 ? { ...message, signature: message.signature.map((byte) => byte ^ 1) } : message,
    );
    const opening = { code: 'FAULT_COMMITMENT_OPENING', round: 1, culprits: [2] };
    expect(findPublicFault(params, [round0, bent])).toEqual(opening);
    expect(findPublicFault(params, [round0, bent.slice(0, 2)])).toBeNull();
    expect(findPublicFault(params, [round0, round1, forged])).toEqual({
      code: 'FAULT_SIGNATURE_INVALID',
      round: 2,
      culprits: [3],
    });
    expect(findPublicFault(params, [round0, [round1[0]!, round0[1]!, round1[2]!]])).toEqual({
      code: 'FAULT_MALFORMED',
      round: 1,
      culprits: [2],
    });
  });
});

/** What the parties of a small key sign, with the key and signature of the first of them. */
function signedTranscript(name: SuiteName) {
  const small = outputOf(runCeremony(createCeremony(name, { needed: 2, of: 2 })), 1);
  const { params, round0, round1, signatures } = small.certificate;
  const result = resultOf(params, round0 as never, round1 as never);
  if ('code' in result) throw new Error('honest run refused');
  const { transcript } = result;
  const signature = signatures[0]!;
  return {
    transcript,
    publicKey: params.roster[0]!.staticKey,
    signature,
  };
}

const flipped = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

describe('V23: the signatures', () => {
  it.each([
    ['every bit', 'ed25519', 1],
    ['every 101st bit', 'ristretto255', 101],
    ['every 101st bit', 'secp256k1', 101],
    ['every 101st bit', 'secp256k1-tr', 101],
    ['every 101st bit', 'P-256', 101],
  ] as const)('cover %s of the transcript: %s', (_, name, step) => {
    const { transcript, publicKey, signature } = signedTranscript(name);
    const isSigned = (bytes: Uint8Array) => verifyCocktail(cocktailSuite(name), publicKey, bytes, signature);
    expect(isSigned(transcript)).toBe(true);
    const uncovered: number[] = [];
    for (let bit = 0; bit < 8 * transcript.length; bit += step)
      if (isSigned(flipped(transcript, bit))) uncovered.push(bit);
    expect(uncovered).toEqual([]);
  });

  it('are of one run: those of another key’s certificate do not pass', () => {
    const other = outputOf(
      runCeremony(ceremony, { seed: (party) => bytesOf(`other ${party}`) }),
      1,
    ).certificate;
    expect(codeOf(() => verifyCertificate({ ...certificate, signatures: other.signatures }))).toBe(
      'FAULT_SIGNATURE_INVALID',
    );
    expect(codeOf(() => verifyCertificate({ ...certificate, round1: other.round1 }))).toBe(
      'FAULT_COMMITMENT_OPENING',
    );
  });
});

it('V5: a signature with the identity as R or zero as z is refused, and its sender named', () => {
  const flawed = [
    (signature: Uint8Array) => new Uint8Array(64).fill(0).map((_, i) => (i < 32 ? 0 : signature[i]!)),
    (signature: Uint8Array) => signature.map((byte, i) => (i < 32 ? byte : 0)),
    () => Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0)),
  ];
  for (const flaw of flawed) {
    const failed = runCeremony(ceremony, {
      deliver: (delivery) => {
        if (delivery.from !== 2 || delivery.body.round !== 2) return [delivery];
        const body: CertifyMessage = { ...delivery.body, signature: flaw(delivery.body.signature) };
        return [{ ...delivery, body }];
      },
    });
    expect(endings(failed)[0]).toBe('FAULT_SIGNATURE_INVALID [2]');
  }
});

it('V8: a signature with z + order instead of z is refused, and its sender named', () => {
  const order = suite.group.scalars.order;
  const failed = runCeremony(ceremony, {
    deliver: (delivery) => {
      if (delivery.from !== 2 || delivery.body.round !== 2) return [delivery];
      const z = [...delivery.body.signature.subarray(32)]
        .reverse()
        .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      const signature = delivery.body.signature.slice();
      for (let i = 0; i < 32; i++) signature[32 + i] = Number(((z + order) >> BigInt(8 * i)) & 0xffn);
      return [{ ...delivery, body: { ...delivery.body, signature } }];
    },
  });
  expect(endings(failed)[0]).toBe('FAULT_SIGNATURE_INVALID [2]');
});

it('V5: a signature made so that R comes out as the identity is refused, and its sender named', () => {
  const { group } = suite;
  const { scalars } = group;
  const failed = runCeremony(ceremony, {
    deliver: (delivery) => {
      if (delivery.from !== 2 || delivery.body.round !== 2) return [delivery];
      const { staticKey } = ceremony.params.roster[1]!;
      const commitment = delivery.body.signature.slice(0, 32);
      const messages = (round: number) =>
        [1, 2, 3].map((from) => run.wire.find((sent) => sent.from === from && sent.round === round)!.body);
      const result = resultOf(ceremony.params, messages(0) as never, messages(1) as never);
      if ('code' in result) throw new Error(result.code);
      const challenge = suite.hashToScalar(suite.challengeInput(commitment, staticKey, result.transcript));
      const d = scalars.parseSecret(ceremony.staticBytesOf(2 as PartyIndex));
      const signature = Uint8Array.of(...commitment, ...scalars.multiply(d, challenge));
      return [{ ...delivery, body: { ...delivery.body, signature } }];
    },
  });
  expect(endings(failed)[0]).toBe('FAULT_SIGNATURE_INVALID [2]');
});
