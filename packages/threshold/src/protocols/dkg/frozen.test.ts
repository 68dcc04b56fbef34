import { decodeHex, encodeHex, reveal } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { FROZEN, FROZEN_BYTES, type Frozen } from './fixtures/frozen.js';
import { createCeremony } from './fixtures/parties.js';
import { outputOf, runCeremony } from './fixtures/rogue.js';
import { isOfRound } from './messages.js';
import type { GenerationCertificate } from './output.js';
import { resultOf } from './run.js';
import {
  encodeCertificate,
  encodeKeyParams,
  parseCertificate,
  recoveryAckStatement,
  staticKeyStatement,
  verifyCertificate,
} from '../../key/index.js';

const one = 1 as PartyIndex;
const digest = (bytes: Uint8Array) => encodeHex(sha256(bytes));

function messagesOf(run: ReturnType<typeof runCeremony>): readonly Uint8Array[] {
  return run.wire.filter(({ from }) => from === one).map(({ bytes }) => bytes);
}

/** T: what all parties of an honest run signed. */
function transcriptOf({ params, round0, round1 }: GenerationCertificate): Uint8Array {
  const result = resultOf(params, round0.filter(isOfRound(0)), round1.filter(isOfRound(1)));
  if ('code' in result) throw new Error(result.code);
  return result.transcript;
}

function freeze(suite: SuiteName): Frozen {
  const ceremony = createCeremony(suite, { needed: 2, of: 2 }, 'frozen');
  const run = runCeremony(ceremony);
  const { share, certificate, transcriptHash } = outputOf(run, 1);
  const { keyId, epoch } = ceremony.params;
  const statement = staticKeyStatement({ ...ceremony.params, ...ceremony.params.roster[0]! });
  return {
    params: digest(encodeKeyParams(ceremony.params)),
    messages: messagesOf(run).map(digest) as unknown as Frozen['messages'],
    states: run.states.get(one)!.map(digest) as unknown as Frozen['states'],
    certificate: digest(encodeCertificate(certificate)),
    transcriptHash: encodeHex(transcriptHash),
    statements: [
      digest(statement),
      digest(recoveryAckStatement({ keyId, epoch, slot: one, transcriptHash })),
    ],
    groupKey: encodeHex(share.public.groupKey),
    chainCode: encodeHex(share.public.chainCode),
    share: encodeHex(reveal(share.share, 'test')),
  };
}

describe('what this version writes', () => {
  it.each(SUITE_NAMES)('is frozen for suite %s', (suite) => {
    expect(freeze(suite)).toEqual(FROZEN[suite]);
  });

  it('is frozen byte for byte for ed25519', () => {
    const run = runCeremony(createCeremony('ed25519', { needed: 2, of: 2 }, 'frozen'));
    const { certificate, transcriptHash } = outputOf(run, 1);
    const { params } = certificate;
    const { keyId, epoch } = params;
    expect({
      params: encodeHex(encodeKeyParams(params)),
      messages: messagesOf(run).map(encodeHex),
      transcript: encodeHex(transcriptOf(certificate)),
      certificate: encodeHex(encodeCertificate(certificate)),
      acknowledgement: encodeHex(recoveryAckStatement({ keyId, epoch, slot: one, transcriptHash })),
    }).toEqual(FROZEN_BYTES);
  });

  it('is still believed when it comes out of storage', () => {
    const stored = parseCertificate(decodeHex(FROZEN_BYTES.certificate));
    expect(encodeHex(verifyCertificate(stored).public.groupKey)).toBe(FROZEN['ed25519']!.groupKey);
  });
});
