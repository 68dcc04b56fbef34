import { reveal, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf, createCeremony } from '../../protocols/dkg/fixtures/parties.js';
import { endings, outputOf, rogueDealer, runCeremony } from '../../protocols/dkg/fixtures/rogue.js';
import { createDealing } from '../../protocols/dkg/dealing.js';
import { type CertifyMessage, dkgProtocol, type ShareMessage } from '../../protocols/dkg/index.js';
import { createStaticKey, encodeCertificate, parseCertificate, recoverShare } from '../index.js';
import { codeOf } from '../../test/code-of.js';
import { SUITE_NAMES } from '../cocktail/suite-name.js';
import { cocktailSuite } from '../cocktail/suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const run = runCeremony(ceremony);
const { certificate } = outputOf(run, 1);
const suite = cocktailSuite('ed25519');

describe('recovery', () => {
  it.each(SUITE_NAMES)(
    'gives every server of a key of suite %s its share from its static secret alone',
    (name) => {
      const some = createCeremony(name, { needed: 2, of: 3 });
      const done = runCeremony(some);
      for (const party of some.parties) {
        const expected = outputOf(done, party).share;
        const stored = parseCertificate(encodeCertificate(outputOf(done, 1).certificate));
        const { share: recovered } = recoverShare(stored, some.servers[party - 1]!.staticSecret);
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

  it('V32d: has no place for a bare share as evidence: what is suspected is told to the caller alone', () => {
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const fresh = createDealing(suite, input);
      fresh[fresh.length - 1]! ^= 1;
      return fresh;
    };
    const onStep = rogueDealer(ceremony, { party: 1, dealing });
    const failed = runCeremony(ceremony, { onStep });
    const fault = { code: 'SUSPECT_SHARE', round: 1, culprits: [1] };
    expect(failed.outcomes.get(3 as PartyIndex)).toEqual({ kind: 'aborted', fault });
    expect(endings(failed).slice(0, 2)).toEqual(['waiting', 'waiting']);
    // Everybody received from the accuser what it says when it never sees that dealing: nothing is added to it.
    const unseen = runCeremony(ceremony, {
      onStep,
      deliver: (delivery) =>
        delivery.from === 1 && delivery.to === 3 && delivery.round === 1 ? [] : [delivery],
    });
    const heardFrom3 = ({ wire }: typeof failed) =>
      wire.filter(({ from }) => from === 3).map(({ to, bytes }) => [to, bytes] as const);
    expect(heardFrom3(failed).map(([to]) => to)).toEqual([1, 2, 1, 2]);
    expect(heardFrom3(failed)).toEqual(heardFrom3(unseen));
  });

  it('V32d: names whoever shows a share to accuse another, and not the one accused', () => {
    const share = new Uint8Array(32).fill(7);
    const accusing = (change: (said: CertifyMessage) => object) =>
      endings(
        runCeremony(ceremony, {
          deliver: (delivery) =>
            delivery.from === 3 && delivery.body.round === 2
              ? [{ ...delivery, body: change(delivery.body) as CertifyMessage }]
              : [delivery],
        }),
      ).slice(0, 2);
    const named = (code: string) => [`${code} [3]`, `${code} [3]`];
    expect(accusing((said) => ({ ...said, signature: share }))).toEqual(named('FAULT_SIGNATURE_INVALID'));
    expect(accusing(() => ({ round: 2, accused: 1, share }))).toEqual(named('FAULT_MALFORMED'));
    // What comes with an honest word is not even read.
    expect(accusing((said) => ({ ...said, accused: 1, share }))).toEqual(['finished', 'finished']);
    const framed = Uint8Array.of(2, ...new Uint8Array(32), 0, 0, 0, 32, ...share, 1);
    expect(codeOf(() => dkgProtocol.message.decode(framed))).toBe('LAYOUT_INVALID');
  });
});
