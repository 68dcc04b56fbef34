import { encodeHex, reveal, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../../group/index.js';
import { deriveKey } from '../../hd/index.js';
import { recoverChangedShare } from '../../key/certificate/recover-change.js';
import {
  encodeCertificate,
  groupOfSuite,
  parseCertificate,
  recoverShare,
  SUITE_NAMES,
  verifyCertificate,
  verifyChain,
} from '../../key/index.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { approve, next } from '../reshare/fixtures/next-epoch.js';
import { epochSigns } from '../reshare/fixtures/signing.js';
import {
  createImport,
  endings,
  importedEpoch,
  outputOf,
  publicKeyOf,
  runImport,
  shareBytes,
} from './fixtures/imports.js';
import { dealKey, importProtocol } from './index.js';

const quorum = { needed: 2, of: 3 };

describe.each(SUITE_NAMES)('an imported key of %s', (suite) => {
  const imported = createImport(suite, quorum);
  const run = runImport(imported);
  const epoch = importedEpoch(imported);

  it('is the one that its owner had, and any quorum of shares gives it back', () => {
    expect(endings(run)).toEqual(['finished', 'finished', 'finished']);
    const { groupKey, chainCode } = outputOf(run, 1).share.public;
    expect(encodeHex(groupKey)).toBe(encodeHex(publicKeyOf(suite, imported.secret)));
    expect(chainCode).toEqual(imported.deal.chainCode);
    const group = groupNamed(groupOfSuite(suite));
    for (const parties of [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const) {
      const slots = parties.map((party) => outputOf(run, party).share.party);
      const terms = slots.map((slot) =>
        group.scalars.multiply(
          group.scalars.parseSecret(shareBytes(run, slot).slice()),
          lagrangeAtZero(group, slots, slot),
        ),
      );
      const sum = terms.reduce((one, other) => group.scalars.add(one, other));
      expect(group.scalars.publish(sum, 'test')).toEqual(imported.secret);
    }
  });

  it('has one certificate, of a kind of its own, from which each server recovers its share', () => {
    const { certificate, transcriptHash } = outputOf(run, 1);
    const bytes = encodeCertificate(certificate);
    expect([...bytes.subarray(0, 2)]).toEqual([1, 2]);
    expect(parseCertificate(bytes)).toEqual(certificate);
    for (const party of [2, 3]) expect(encodeCertificate(outputOf(run, party).certificate)).toEqual(bytes);
    expect(verifyCertificate(certificate)).toEqual({ transcriptHash, public: outputOf(run, 1).share.public });
    for (const [i, { staticSecret }] of imported.ceremony.servers.entries()) {
      const recovered = recoverShare(parseCertificate(bytes), staticSecret);
      expect(reveal(recovered.share.share, 'test')).toEqual(shareBytes(run, i + 1));
      expect(recovered.transcriptHash).toEqual(transcriptHash);
    }
  });

  it('signs as any other, also below it where it has children, and one server alone does not', () => {
    expect(epochSigns(epoch, ['alpha', 'charlie'])).toBe(true);
    expect(epochSigns(epoch, ['alpha'])).toBe(false);
    if (suite === 'ristretto255') return;
    expect(epochSigns(epoch, ['bravo', 'charlie'], { path: [0, 7], taproot: null })).toBe(true);
    if (suite !== 'secp256k1-tr') return;
    const tweak = { path: [0, 7], taproot: { merkleRoot: null } };
    expect(epochSigns(epoch, ['bravo', 'charlie'], tweak)).toBe(true);
  });

  it('goes on through changes of who holds it, and stays marked as dealt', () => {
    const dealers = ['alpha', 'bravo'];
    const changed = next(epoch, { dealers, members: ['delta', 'alpha', 'bravo', 'charlie'], needed: 3 });
    const chain = verifyChain(parseCertificate(encodeCertificate(epoch.first)), changed.changes, approve);
    const newest = chain.at(-1)!;
    expect(newest.public.groupKey).toEqual(epoch.certified.public.groupKey);
    expect(newest.public.chainCode).toEqual(imported.deal.chainCode);
    expect(newest.params.flags.dealt).toBe(true);
    expect(epochSigns(changed, ['delta', 'alpha', 'charlie'])).toBe(true);
    const { staticSecret, share } = changed.held.get('delta')!;
    const again = recoverChangedShare(epoch.certified, changed.changes[0]!, staticSecret);
    expect(reveal(again.share, 'test')).toEqual(reveal(share.share, 'test'));
  });
});

describe('a key that is dealt', () => {
  const scope = (suite: 'secp256k1-tr' | 'ed25519') => createImport(suite, quorum);

  it('keeps an odd y of its owner’s secp256k1 key: what a wallet derives below it depends on that', () => {
    const labels = Array.from({ length: 8 }, (_, i) => `parity ${i}`);
    const keys = labels.map((label) => {
      const imported = createImport('secp256k1-tr', quorum, { label });
      return importedEpoch(imported).certified.public.groupKey[0];
    });
    expect(new Set(keys)).toEqual(new Set([2, 3]));
  });

  it('has no children where it was imported without a chain code', () => {
    const epoch = importedEpoch(createImport('ed25519', quorum, { hd: false }));
    const child = () => deriveKey(epoch.certified.public, { path: [0], taproot: null });
    expect(child).toThrow(expect.objectContaining({ code: 'PATH_UNSUPPORTED' }));
    expect(epochSigns(epoch, ['alpha', 'bravo'])).toBe(true);
  });

  it('with flags, an epoch or a chain code that no imported key has is refused before it is dealt', () => {
    const { params, deal, secret: whole } = scope('ed25519');
    const { chainCode } = deal;
    const wrong = [
      { params: { ...params, flags: { ...params.flags, dealt: false } }, chainCode },
      { params: { ...params, flags: { ...params.flags, hd: false } }, chainCode },
      { params, chainCode: new Uint8Array(32) },
    ];
    for (const one of wrong)
      expect(codeOf(() => dealKey({ ...one, secret: secret(whole.slice()) }, bytesOf('seed')))).toBe(
        'KEY_PARAMS_INVALID',
      );
  });

  it('that is zero, or no canonical scalar, is refused', () => {
    const { params, deal } = scope('ed25519');
    for (const bytes of [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(31)]) {
      const given = { params, chainCode: deal.chainCode, secret: secret(bytes) };
      expect(codeOf(() => dealKey(given, bytesOf('seed')))).toBe('SCALAR_INVALID');
    }
  });

  it('gives the same bytes for the same seed, and another polynomial for another', () => {
    const { params, deal, secret: whole } = scope('ed25519');
    const dealt = (label: string, given = params) =>
      dealKey(
        { params: given, chainCode: deal.chainCode, secret: secret(whole.slice()) },
        bytesOf(label),
      ).dealing.subarray(32, 64);
    expect(dealt('one')).toEqual(dealt('one'));
    expect(dealt('one')).not.toEqual(dealt('two'));
    expect(dealt('one')).not.toEqual(dealt('one', { ...params, termsHash: bytesOf('other terms') }));
  });

  it('takes a seed of 32 bytes that are not all zero', () => {
    const { params, deal, secret: whole, paramsOf, ceremony } = scope('ed25519');
    const given = { params, chainCode: deal.chainCode, secret: secret(whole.slice()) };
    expect(codeOf(() => dealKey(given, new Uint8Array(32)))).toBe('SEED_INVALID');
    expect(codeOf(() => importProtocol.start(paramsOf(ceremony.parties[0]!), new Uint8Array(31)))).toBe(
      'SEED_INVALID',
    );
  });
});
