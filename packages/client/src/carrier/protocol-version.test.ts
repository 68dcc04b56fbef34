import { encodeReply, parseCall, parseReply, PROTOCOL_VERSION } from '@ckm/api';
import { CkmError, EncodingError } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { expect, test } from 'vitest';
import { versionDiffers } from './protocol-version.js';

const OURS = PROTOCOL_VERSION;

function thrown(work: () => unknown): CkmError {
  try {
    work();
  } catch (error) {
    if (error instanceof CkmError) return error;
  }
  throw new Error('nothing of ours was thrown');
}

/** What a server that speaks those versions answers to a message in ours. */
function refusedBy(speaks: readonly number[]): CkmError {
  const refusal = new EncodingError('not spoken here', {
    code: 'PROTOCOL_VERSION_UNKNOWN',
    hint: 'update',
    facts: { protocol: OURS, speaks: [...speaks] },
  });
  return versionDiffers('bravo', refusal);
}

test('versionDiffers says that this client must be updated when the server speaks later versions only', () => {
  const error = refusedBy([OURS + 1, OURS + 2]);
  expect(error).toMatchObject({ code: 'PROTOCOL_VERSION_UNKNOWN', retryable: true });
  expect(error.message).toBe(
    `server bravo speaks version ${OURS + 1}, ${OURS + 2} of the protocol, this client version ${OURS}`,
  );
  expect(error.hint).toContain('bring this client up to date');
});

test('versionDiffers says that the server must be updated when a reply is in an earlier version', () => {
  const reply = encodeData({ protocol: OURS - 1, ok: true, result: {} });
  const error = versionDiffers(
    'bravo',
    thrown(() => parseReply('key.list', reply)),
  );
  expect(error.facts['speaks']).toEqual([]);
  const older = new EncodingError('', { code: 'X', hint: 'x', facts: { protocol: OURS, speaks: [0.5] } });
  expect(versionDiffers('bravo', older).hint).toBe(
    'ask the operator of bravo to bring the server up to date',
  );
});

test('a call in any other version is refused before its parameters are looked at, naming what is spoken here', () => {
  for (const protocol of [0, OURS + 1, 65_535, 'one', null, undefined]) {
    const body = encodeData({ protocol, parameters: { nonsense: true } });
    expect(thrown(() => parseCall('key.list', body))).toMatchObject({
      code: 'PROTOCOL_VERSION_UNKNOWN',
      facts: { speaks: [OURS] },
    });
  }
});

test('a refusal is read whatever the version of the server that words it', () => {
  const { ok, problem } = { ok: false, problem: { code: 'KEY_UNKNOWN' } } as const;
  expect(thrown(() => parseReply('key.list', encodeData({ protocol: 9, ok, problem }))).code).toBe(
    'PROBLEM_UNREADABLE',
  );
  expect(encodeReply({ ok: true, result: { openedAt: 1 } })).toEqual(
    encodeData({ protocol: OURS, ok: true, result: { openedAt: 1 } }),
  );
});
