import { CkmError, reveal, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { endings, outputOf, rogueDealer, runCeremony } from './fixtures/rogue.js';
import { createDealing } from './dealing.js';
import {
  createStaticKey,
  encodeCertificate,
  parseCertificate,
  recoverShare,
  type ShareMessage,
} from './index.js';
import { SUITE_NAMES } from '../key.js';
import { cocktailSuite } from './suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const run = runCeremony(ceremony);
const { certificate } = outputOf(run, 1);
const suite = cocktailSuite('ed25519');

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('recovery', () => {
  it.each(SUITE_NAMES)(
    'gives every server of a key of suite %s its share from its static secret alone',
    (name) => {
      const some = createCeremony(name, { needed: 2, of: 3 });
      const done = runCeremony(some);
      for (const party of some.parties) {
        const expected = outputOf(done, party).share;
        const stored = parseCertificate(encodeCertificate(outputOf(done, 1).certificate));
        const recovered = recoverShare(stored, some.servers[party - 1]!.staticSecret);
        expect(recovered.party).toBe(party);
        expect(recovered.public).toEqual(expected.public);
        expect(reveal(recovered.share, 'test')).toEqual(reveal(expected.share, 'test'));
      }
    },
  );

  it('V32: with the static secret of nobody in the roster is refused', () => {
    const stranger = createStaticKey(
      'ed25519',
      certificate.params.keyId,
      0,
      bytesOf('stranger'),
    ).staticSecret;
    expect(codeOf(() => recoverShare(certificate, stranger))).toBe('STATIC_SECRET_WRONG');
    expect(codeOf(() => recoverShare(certificate, secret(new Uint8Array(32).fill(0xff))))).toBe(
      'SCALAR_INVALID',
    );
  });

  it('V32: without one’s own signature is refused', () => {
    const signatures = certificate.signatures.map((signature, i) =>
      i === 0 ? certificate.signatures[1]! : signature,
    );
    expect(
      codeOf(() => recoverShare({ ...certificate, signatures }, ceremony.servers[0]!.staticSecret)),
    ).toBe('FAULT_SIGNATURE_INVALID');
  });

  it('V32b: from an archive with another ciphertext is refused, although commitments and proofs are the same', () => {
    const round1 = certificate.round1.map((message, i) => {
      if (i !== 1) return message;
      const dealing = (message as ShareMessage).dealing.slice();
      dealing[dealing.length - 1]! ^= 1;
      return { ...(message as ShareMessage), dealing };
    });
    expect(codeOf(() => recoverShare({ ...certificate, round1 }, ceremony.servers[0]!.staticSecret))).toBe(
      'FAULT_SIGNATURE_INVALID',
    );
  });

  it('V32d: takes nobody’s word, and no bare share, for another’s fault: what is suspected is told to the caller alone', () => {
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const fresh = createDealing(suite, input);
      fresh[fresh.length - 1]! ^= 1;
      return fresh;
    };
    const failed = runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 1, dealing }) });
    expect(endings(failed)[2]).toBe('SUSPECT_SHARE [1]');
    const said = failed.wire.filter(({ from, round }) => from === 3 && round === 2);
    expect(said).toEqual([]);
  });
});
