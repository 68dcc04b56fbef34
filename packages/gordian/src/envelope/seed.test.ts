import { decodeHex, encodeHex } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { joinEnvelopes } from './permits/sskr.js';
import { formatEnvelope } from './format/notation.js';
import { formatSeedUr, seedInEnvelope, seedInUr, seedLeaf } from './seed.js';
import { formatEnvelopeUr, parseEnvelopeUr } from './ur.js';
import { unwrap } from './queries.js';

// With a name and a note. Source: BlockchainCommons/bc-envelope-cli-rust, docs/SSKRExample.md.
const DAN_SEED =
  'ur:seed/oxadgdhkwzdtfthptokigtvwnnjsqzcxknsktdaosezofptpbtlnlyjzkefmaxkpfyhsjpjecxgdkpjpjojzihcxfpjskphscxgsjlkoihaakskggsjljpihjncxinjojkkpjncxiejljzjljpcxjkinjycxhsjnihjydwcxiajljtjkihiajyihjykpjpcxhsieinjoinjkiainjtiocxihjzinjydwcxjkihiecxiejlcxihinkpjkjnjliecxjyihjnjojljpcxinjtiainieiniekpjtjycxkpjycxjzhsidjljpihcxihjycxiejljzjljpihcxjnhsiojthscxhsjzinjskphsdmluwmoxny';
const DAN_ENVELOPE =
  'ur:envelope/tpsotantjzoxadgdhkwzdtfthptokigtvwnnjsqzcxknsktdaosezofptpbtlnlyjzkefmaxkpfyhsjpjecxgdkpjpjojzihcxfpjskphscxgsjlkoihaakskggsjljpihjncxinjojkkpjncxiejljzjljpcxjkinjycxhsjnihjydwcxiajljtjkihiajyihjykpjpcxhsieinjoinjkiainjtiocxihjzinjydwcxjkihiecxiejlcxihinkpjkjnjliecxjyihjnjojljpcxinjtiainieiniekpjtjycxkpjycxjzhsidjljpihcxihjycxiejljzjljpihcxjnhsiojthscxhsjzinjskphsdmfmflcnfy';
const DAN = '59f2293a5bce7d4de59e71b4207ac5d2';
// Two of three of a text. Source: the same repository, docs/Overview.md.
const SHARES = [
  'ur:envelope/lftansfwlrhdcehtqzrsmdihaxjsidbemsrhjpvdyltlmyrlctimasaewdpertdyhlidrtgslupfssiyjzmymwrnfhfnkisegdpdjytodeptinntfzismulkiagtstoxplhddatansfphdcxzclocydkrespdwwygrldbyvabyplolrdfgfnsolnjkgwledyvwhtghlncylkhgdnoyamtpsotaadechddajlimaeadaegtptkedabegdzebgjtfnvobddkiopyhllnseeesogudkqdpsfpmefhemrswzeevsjpnnwmto',
  'ur:envelope/lftansfwlrhdcehtqzrsmdihaxjsidbemsrhjpvdyltlmyrlctimasaewdpertdyhlidrtgslupfssiyjzmymwrnfhfnkisegdpdjytodeptinntfzismulkiagtstoxplhddatansfphdcxzclocydkrespdwwygrldbyvabyplolrdfgfnsolnjkgwledyvwhtghlncylkhgdnoyamtpsotaadechddajlimaeadadnyvojpkkpktbidtkhyndgdiosbpatndazegwkndrhffzfxcnjegaplhtaxahpmaebdfncsyl',
  'ur:envelope/lftansfwlrhdcehtqzrsmdihaxjsidbemsrhjpvdyltlmyrlctimasaewdpertdyhlidrtgslupfssiyjzmymwrnfhfnkisegdpdjytodeptinntfzismulkiagtstoxplhddatansfphdcxzclocydkrespdwwygrldbyvabyplolrdfgfnsolnjkgwledyvwhtghlncylkhgdnoyamtpsotaadechddajlimaeadaoyafhhnntlbflutqdbainnttevytigapmkoswpdbbhkwpfdptbzftamweuoatcacncnlukbpa',
];

test('the seed of the reference’s example is read out of its UR and out of its envelope, with a name and a note in it', () => {
  expect(encodeHex(seedInUr(DAN_SEED)!)).toBe(DAN);
  expect(encodeHex(seedInUr(DAN_SEED.toUpperCase())!)).toBe(DAN);
  expect(encodeHex(seedInEnvelope(parseEnvelopeUr(DAN_ENVELOPE)))).toBe(DAN);
});

test('each two of the three envelopes of the reference’s example open together, and one alone does not', () => {
  const envelopes = SHARES.map((text) => parseEnvelopeUr(text));
  for (const [a, b] of [
    [0, 1],
    [2, 0],
    [1, 2],
  ] as const) {
    const joined = joinEnvelopes([envelopes[a]!, envelopes[b]!]);
    expect(formatEnvelope(unwrap(joined))).toBe('"Alice" [\n    "knows": "Bob"\n]');
  }
  expect(() => joinEnvelopes([envelopes[0]!])).toThrow(
    expect.objectContaining({ code: 'ENVELOPE_SHARES_INSUFFICIENT' }) as Error,
  );
});

test('what is written of any length is read again, as UR and as envelope', () => {
  for (const length of [16, 20, 31, 32]) {
    const bytes = Uint8Array.from({ length }, (_, i) => 200 - i);
    expect(seedInUr(formatSeedUr(bytes))).toEqual(bytes);
    expect(seedInEnvelope(parseEnvelopeUr(formatEnvelopeUr(seedLeaf(bytes))))).toEqual(bytes);
  }
  // Source: BCR-2020-006, its first vector.
  expect(formatSeedUr(decodeHex('c7098580125e2ab0981253468b2dbc52'))).toMatch(
    /^ur:seed\/oyadgdstaslplabghydrpfmkbggufgludprfgm/,
  );
});

test('what is no seed is none', () => {
  expect(seedInUr(formatEnvelopeUr(seedLeaf(new Uint8Array(16))))).toBeNull();
  expect(() => seedInUr('ur:seed/nonsense')).toThrow(
    expect.objectContaining({ code: 'UR_INVALID' }) as Error,
  );
  for (const text of SHARES.slice(0, 1))
    expect(() => seedInEnvelope(parseEnvelopeUr(text))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_LEAF_EXPECTED' }) as Error,
    );
});
