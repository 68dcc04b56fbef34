import { concatBytes, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { encodeCertificate, parseCertificate, verifyCertificate } from '../../key/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { createImport, endings, outputOf, runImport } from './fixtures/imports.js';
import { dealKey, encodeImportDeal, findImportFault, type ImportDeal, parseImportDeal } from './index.js';

const quorum = { needed: 2, of: 3 };
const imported = createImport('ed25519', quorum);
const { deal, params, ceremony } = imported;
const run = runImport(imported);
const { certificate } = outputOf(run, 1);
const bytes = encodeCertificate(certificate);

/** How servers end that are shown another dealing. @param at who is; the others see the honest one */
function endingsWith(changed: ImportDeal, at: readonly number[] = [1, 2, 3]): readonly string[] {
  const params = (me: PartyIndex) => ({
    ...imported.paramsOf(me),
    deal: at.includes(me) ? changed : deal,
  });
  return endings(runImport(imported, { params }));
}

/** A dealing with one byte changed. @param from in the dealing: 64 commitment, 64 proof, 32 E, then 56 for each share */
function withByte(at: number): ImportDeal {
  return { ...deal, dealing: deal.dealing.map((byte, i) => (i === at ? byte ^ 1 : byte)) };
}

const SHARE_OF = (slot: number) => 160 + 56 * (slot - 1) + 8;

describe('a dealer that cheats', () => {
  it('V28: with a wrong share for one server is refused by that server, which signs nothing, so that no key comes about', () => {
    const ended = endingsWith(withByte(SHARE_OF(2)), [1, 2, 3]);
    expect(ended).toEqual(['waiting', 'SUSPECT_SHARE []', 'waiting']);
  });

  it('V28: with a share that opens and is not on the polynomial is refused by its receiver alone', () => {
    const group = cocktailSuite('ed25519').group;
    const other = { ...imported.params };
    const shifted = group.scalars.add(
      group.scalars.parseSecret(imported.secret.slice()),
      group.scalars.one as never,
    );
    const elsewhere = dealKey(
      { params: other, chainCode: deal.chainCode, secret: secret(shifted as Uint8Array) },
      bytesOf('seed of import'),
    );
    // Same seed, another key: the head of one with the shares of the other.
    const mixed = {
      ...deal,
      dealing: concatBytes(deal.dealing.subarray(0, 160), elsewhere.dealing.subarray(160)),
    };
    expect(endingsWith(mixed)).toEqual(['SUSPECT_SHARE []', 'SUSPECT_SHARE []', 'SUSPECT_SHARE []']);
  });

  it('V28: with unequal commitments for two servers gets signatures that make no certificate', () => {
    const again = dealKey(
      { params, chainCode: deal.chainCode, secret: secret(imported.secret.slice()) },
      bytesOf('another seed'),
    );
    expect(endingsWith(again, [3])).toEqual([
      'RETRY_VIEWS_DIFFER []',
      'RETRY_VIEWS_DIFFER []',
      'RETRY_VIEWS_DIFFER []',
    ]);
  });

  it.each([
    ['one coefficient less', (own: Uint8Array) => own.slice(32), 'FAULT_DEALING_LENGTH'],
    ['one share less', (own: Uint8Array) => own.slice(0, -56), 'FAULT_DEALING_LENGTH'],
    ['one share more', (own: Uint8Array) => concatBytes(own, own.subarray(-56)), 'FAULT_DEALING_LENGTH'],
    ['nothing', () => new Uint8Array(), 'FAULT_DEALING_LENGTH'],
    [
      'a coefficient that is no element',
      (own: Uint8Array) => concatBytes(own.subarray(0, 32), new Uint8Array(32).fill(0xff), own.subarray(64)),
      'FAULT_POINT_INVALID',
    ],
    [
      'a coefficient that is the identity',
      (own: Uint8Array) =>
        concatBytes(own.subarray(0, 32), Uint8Array.of(1), new Uint8Array(31), own.subarray(64)),
      'FAULT_POINT_INVALID',
    ],
    [
      'the key of somebody else, whose secret it does not know',
      (own: Uint8Array) => concatBytes(publicOf('somebody else'), own.subarray(32)),
      'FAULT_PROOF_INVALID',
    ],
  ])('V3, V12: with %s is refused by everybody', (_, change, code) => {
    const wrong = { ...deal, dealing: change(deal.dealing) };
    expect(endingsWith(wrong)).toEqual([`${code} []`, `${code} []`, `${code} []`]);
    expect(findImportFault(wrong, [])).toEqual({ code, round: 0, culprits: [] });
  });

  it('V12: cannot use a dealing for another key, policy, chain code or dealer', () => {
    const others: ImportDeal[] = [
      { ...deal, params: { ...params, termsHash: bytesOf('other terms') } },
      { ...deal, params: { ...params, purpose: 'other' } },
      { ...deal, chainCode: bytesOf('other chain code') },
      { ...deal, nonce: bytesOf('other nonce') },
      { ...deal, dealerKey: params.roster[0]!.staticKey },
    ];
    for (const other of others)
      expect(new Set(endingsWith(other))).toEqual(new Set(['FAULT_PROOF_INVALID []']));
  });

  it('names a server whose entry does not hold, and takes no dealing for such a roster', () => {
    const roster = params.roster.map((entry, i) =>
      i === 1 ? { ...entry, sealingKey: params.roster[0]!.sealingKey } : entry,
    );
    const wrong = { ...deal, params: { ...params, roster } };
    expect(endingsWith(wrong)[0]).toBe('FAULT_ROSTER [1,2]');
    expect(codeOf(() => dealKey({ ...wrong, secret: secret(imported.secret.slice()) }, bytesOf('x')))).toBe(
      'FAULT_ROSTER',
    );
  });
});

describe('a server that cheats', () => {
  it('with a signature that does not hold is named by the others', () => {
    const ended = endings(
      runImport(imported, {
        deliver: (delivery) => [
          delivery.from === 2
            ? {
                ...delivery,
                body: {
                  ...delivery.body,
                  signature: delivery.body.signature.map((b, i) => (i === 40 ? b ^ 1 : b)),
                },
              }
            : delivery,
        ],
      }),
    );
    expect(ended).toEqual(['FAULT_SIGNATURE_INVALID [2]', 'finished', 'FAULT_SIGNATURE_INVALID [2]']);
    const messages = run.wire
      .filter(({ to, from }) => to === 1 || (from === 1 && to === 2))
      .sort((a, b) => a.from - b.from);
    expect(
      findImportFault(
        deal,
        messages.map(({ body }) => body),
      ),
    ).toBeNull();
    const wrong = messages.map(({ body }, i) =>
      i === 1 ? { ...body, signature: messages[0]!.body.signature } : body,
    );
    expect(findImportFault(deal, wrong)).toEqual({
      code: 'FAULT_SIGNATURE_INVALID',
      round: 0,
      culprits: [2],
    });
  });

  it('with a silent one the others wait, and with a replay of another import they blame it', () => {
    const silent = endings(runImport(imported, { deliver: (one) => (one.from === 3 ? [] : [one]) }));
    expect(silent).toEqual(['waiting', 'waiting', 'finished']);
    const other = runImport(createImport('ed25519', quorum, { label: 'other' }));
    const replayed = endings(
      runImport(imported, {
        deliver: (one) => [
          one.from === 3
            ? { ...one, body: other.wire.find(({ from, to }) => from === 3 && to === one.to)!.body }
            : one,
        ],
      }),
    );
    expect(replayed).toEqual(['RETRY_VIEWS_DIFFER []', 'RETRY_VIEWS_DIFFER []', 'finished']);
  });
});

describe('the certificate of an import', () => {
  it(
    'V32: with a bit flipped in any seventh byte, one at a time, is refused with a typed error',
    { tags: 'slow' },
    () => {
      const accepted: number[] = [];
      for (let i = 0; i < bytes.length; i += 7) {
        const changed = bytes.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
        if (codeOf(() => verifyCertificate(parseCertificate(changed))) === 'nothing thrown') accepted.push(i);
      }
      expect(accepted).toEqual([]);
    },
  );

  it('V32: cut short anywhere, or longer, is refused', () => {
    for (let length = 0; length < bytes.length; length += 13)
      expect(codeOf(() => parseCertificate(bytes.subarray(0, length)))).not.toBe('nothing thrown');
    expect(codeOf(() => parseCertificate(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
  });

  it('is taken for none of a generation, nor the other way round', () => {
    const asGeneration = bytes.map((byte, i) => (i === 1 ? 0 : byte));
    expect(codeOf(() => verifyCertificate(parseCertificate(asGeneration)))).not.toBe('nothing thrown');
    const { flags } = params;
    const asGenerated = { ...certificate, params: { ...params, flags: { ...flags, dealt: false } } };
    expect(codeOf(() => verifyCertificate(asGenerated))).toBe('KEY_PARAMS_INVALID');
    const asExported = { ...flags, hd: false, exportable: true, exported: true };
    expect(
      codeOf(() => verifyCertificate({ ...certificate, params: { ...params, flags: asExported } })),
    ).toBe('KEY_PARAMS_INVALID');
  });

  it('V4: with signatures too few, too many or of another length is refused', () => {
    const { signatures } = certificate;
    for (const wrong of [
      [],
      signatures.slice(1),
      [...signatures, signatures[0]!],
      signatures.map((one) => one.slice(1)),
    ])
      expect(codeOf(() => verifyCertificate({ ...certificate, signatures: wrong }))).toBe(
        'CERTIFICATE_INVALID',
      );
    const swapped = [signatures[1]!, signatures[0]!, signatures[2]!];
    expect(codeOf(() => verifyCertificate({ ...certificate, signatures: swapped }))).toBe(
      'FAULT_SIGNATURE_INVALID',
    );
  });

  it('a dealing has one spelling', () => {
    const spelled = encodeImportDeal(deal);
    expect(parseImportDeal(spelled)).toEqual(deal);
    expect(codeOf(() => parseImportDeal(Uint8Array.of(...spelled, 0)))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => parseImportDeal(spelled.map((byte, i) => (i === 0 ? 2 : byte))))).toBe(
      'LAYOUT_INVALID',
    );
    expect(codeOf(() => parseImportDeal(new Uint8Array(1 << 17)))).toBe('LAYOUT_TOO_LONG');
  });
});

function publicOf(label: string): Uint8Array {
  const { group } = cocktailSuite('ed25519');
  return group.encode(group.mulBase(group.scalars.reduceSecret(bytesOf(label))));
}

it('no server has anything of another’s share in its state or its message', () => {
  const texts = [...run.states.values()].flat().map((one) => Buffer.from(one).toString('hex'));
  const whole = Buffer.from(imported.secret).toString('hex');
  for (const text of texts) expect(text).not.toContain(whole);
  expect(ceremony.parties).toHaveLength(3);
});
