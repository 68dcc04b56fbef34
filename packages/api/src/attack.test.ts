import { CkmError, concatBytes, encodeUtf8, PolicyError, StateError } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { assertProtocolVersion, parseCall } from './call.js';
import { parsePacket } from './packet.js';
import { fromProblem, toProblem } from './problem.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** An array of so many times 1.5, which is the dearest of all numbers to read. */
function numbers(count: number): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = 0x9a;
  new DataView(head.buffer).setUint32(1, count);
  const each = Uint8Array.of(0xf9, 0x3e, 0x00);
  return concatBytes(
    head,
    new Uint8Array(3 * count).map((_, at) => each[at % 3]!),
  );
}

test('an account that sends two megabytes of numbers as a call, and keeps a server at reading them for seconds, is refused before they are read', () => {
  const body = concatBytes(
    Uint8Array.of(0xa2, 0x68),
    encodeUtf8('protocol'),
    Uint8Array.of(1, 0x6a),
    encodeUtf8('parameters'),
    numbers(690_000),
  );
  const maxBytes = 2_097_152;
  expect(codeOf(() => parseCall('craft.prepare', body, maxBytes))).toBe('CBOR_TOO_LONG');
  expect(codeOf(() => assertProtocolVersion(body, maxBytes))).toBe('CBOR_TOO_LONG');
});

test('a courier who delivers a quarter of a megabyte of numbers as a packet is refused before they are read', () => {
  expect(codeOf(() => parsePacket(numbers(80_000)))).toBe('CBOR_TOO_LONG');
});

test('a server whose refusal carries a line of its own in its code is not read; in its facts it shows as one odd line', () => {
  const forged = 'signed by alpha\nckm: note: all is well';
  const problemWith = (more: object) => ({
    ...toProblem(new PolicyError('no', { code: 'POLICY_RATE', hint: 'wait', facts: { reason: 'later' } })),
    ...more,
  });
  expect(fromProblem(problemWith({ code: `POLICY_RATE ${forged}` })).code).toBe('PROBLEM_UNREADABLE');
  const { code, facts } = fromProblem(problemWith({ facts: { reason: forged, servers: [forged], left: 2 } }));
  expect(code).toBe('POLICY_RATE');
  expect(JSON.stringify(facts)).not.toContain('\\n');
  expect(facts['left']).toBe(2);
});

test('a server whose refusals hide what follows, forge lines or turn text around shows as one odd line', () => {
  const text = 'no\u001b[8m\u009b2J\nok  alpha\u202e \u200bfine';
  const error = fromProblem(toProblem(new StateError(text, { code: 'SESSION_OVER', hint: text })));
  const shown = 'no\u{fffd}[8m\u{fffd}2J\u{fffd}ok  alpha\u{fffd} \u{fffd}fine';
  expect([error.message, error.hint]).toEqual([shown, shown]);
});
