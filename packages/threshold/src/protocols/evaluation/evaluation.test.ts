import { encodeUtf8, reveal } from '@ckm/foundation';
import { ristretto255_oprf } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import type { Element } from '../../group/group.js';
import { groupNamed } from '../../group/index.js';
import { proveEqualLogs } from '../../proofs/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { statementOf } from './evaluation.js';
import { generatedKey, keyShare, sharedOut, subsets } from './fixtures/key.js';
import {
  blindInput,
  combineAnswers,
  derivedSecret,
  type Evaluation,
  type EvaluationMode,
  evaluateShare,
  MOST_POINTS,
  openPartial,
  pointOfLabel,
  unblind,
} from './index.js';

const group = groupNamed('ristretto255');
const { scalars } = group;
const quorum = { needed: 2, of: 3 };
const made = generatedKey('ristretto255', quorum);
const { keyId, key, shares } = made;
const [alpha, bravo, charlie] = [...shares.keys()] as [PartyIndex, PartyIndex, PartyIndex];
const point = (label: string) => pointOfLabel(keyId, encodeUtf8(label));
const asking = (...points: Element[]): Evaluation => ({ mode: 'derive', points });
const shareOf = (slot: PartyIndex) => scalars.parseSecret(reveal(shares.get(slot)!, 'test'));

function answersOf(evaluation: Evaluation, from: readonly PartyIndex[], source = made) {
  return from.map((slot) => ({
    slot,
    partial: evaluateShare(keyShare(source, slot), evaluation, bytesOf(`fresh ${slot}`)),
  }));
}

function derive(label: string, from: readonly PartyIndex[], source = made): Uint8Array {
  const evaluation = asking(point(label));
  const { results } = combineAnswers(source.key, evaluation, answersOf(evaluation, from, source));
  return derivedSecret(keyId, encodeUtf8(label), results![0]!);
}

describe('V56: what is derived', () => {
  test('is the same 32 bytes for every quorum, another polynomial, another number of servers', () => {
    const expected = derive('disk', [alpha, bravo]);
    expect(expected).toHaveLength(32);
    for (const pair of subsets([alpha, bravo, charlie], 2)) {
      expect(derive('disk', pair)).toEqual(expected);
      expect(derive('disk', pair.toReversed())).toEqual(expected);
    }
    // f(0) = 2·f(1) − f(2): what no code of the product ever puts together.
    const value = scalars.subtract(scalars.add(shareOf(alpha), shareOf(alpha)), shareOf(bravo));
    const changed = sharedOut(made, value, { needed: 3, of: 5 }, 'another polynomial');
    expect(changed.key.groupKey).toEqual(key.groupKey);
    for (const three of subsets([...changed.shares.keys()], 3))
      expect(derive('disk', three, changed)).toEqual(expected);
  });

  test('is another for another label, and another point for another key', () => {
    const derived = ['disk', 'Disk', 'disk ', ''].map((label) => derive(label, [alpha, charlie]).join());
    expect(new Set(derived).size).toBe(4);
    const other = generatedKey('ristretto255', quorum, 'another key').keyId;
    expect(group.equal(pointOfLabel(other, encodeUtf8('disk')), point('disk'))).toBe(false);
  });
});

describe('V58: an answer that is wrong', () => {
  const evaluation = asking(point('disk'), point('mail'));
  const answers = answersOf(evaluation, [alpha, bravo, charlie]);
  const [first, second, third] = answers as [(typeof answers)[0], (typeof answers)[0], (typeof answers)[0]];

  test('is named, and another server’s takes its place', () => {
    const cheated = { ...second, partial: second.partial.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) };
    const { results, wrong } = combineAnswers(key, evaluation, [first, cheated, third]);
    const expected = combineAnswers(key, evaluation, [first, third]).results!;
    expect(wrong).toEqual([bravo]);
    expect(results!.map((r, i) => group.equal(r, expected[i]!))).toEqual([true, true]);
    expect(combineAnswers(key, evaluation, [first, cheated])).toEqual({ results: undefined, wrong: [bravo] });
  });

  test('is any with a byte changed, cut, longer, or of another slot, point, order or mode', () => {
    for (const at of first.partial.keys()) {
      const changed = first.partial.slice();
      changed[at]! ^= 1;
      expect(openPartial(key, alpha, evaluation, changed)).toBeUndefined();
    }
    const { partial } = first;
    for (const other of [partial.subarray(1), Uint8Array.of(...partial, 0), new Uint8Array(), 'x' as never])
      expect(openPartial(key, alpha, evaluation, other)).toBeUndefined();
    expect(openPartial(key, alpha, evaluation, partial)).toHaveLength(2);
    expect(openPartial(key, bravo, evaluation, partial)).toBeUndefined();
    expect(openPartial(key, alpha, asking(point('disk')), partial)).toBeUndefined();
    expect(openPartial(key, alpha, asking(point('mail'), point('disk')), partial)).toBeUndefined();
    expect(openPartial(key, alpha, { ...evaluation, mode: 'blind' }, partial)).toBeUndefined();
  });

  test('V57: is one that is proven for a share of the server’s own making', () => {
    const own = scalars.reduceSecret(new Uint8Array(64).fill(7));
    const outputs = evaluation.points.map((each) => group.mulSecret(each, own));
    const statement = statementOf(evaluation, group.mulBase(own), outputs);
    const proof = proveEqualLogs(group, statement, own, bytesOf('fresh'));
    const partial = Uint8Array.of(...outputs.flatMap((output) => [...group.encode(output)]), ...proof);
    expect(openPartial(key, alpha, evaluation, partial)).toBeUndefined();
  });

  test('a share that is not the certified one answers nothing', () => {
    expect(() =>
      evaluateShare({ party: alpha, share: shares.get(bravo)!, public: key }, evaluation, bytesOf('fresh')),
    ).toThrow(expect.objectContaining({ code: 'SIGNATURE_SHARE_WRONG' }));
  });

  test('two answers of one server are not counted as two', () => {
    expect(codeOf(() => combineAnswers(key, evaluation, [first, first]))).toBe('ANSWER_DOUBLED');
  });

  test.each<[string, EvaluationMode, Element[]]>([
    ['no point', 'derive', []],
    ['too many points', 'derive', Array.from({ length: MOST_POINTS + 1 }, () => point('disk'))],
    ['the identity', 'derive', [group.identity]],
    ['a mode of another group', 'open', [point('disk')]],
  ])('nothing is evaluated for %s', (_, mode, points) => {
    const question = { mode, points };
    const evaluate = () => evaluateShare(keyShare(made, alpha), question, bytesOf('fresh'));
    expect(codeOf(evaluate)).toBe('EVALUATION_INVALID');
    expect(codeOf(() => openPartial(key, alpha, question, first.partial))).toBe('EVALUATION_INVALID');
  });
});

describe('what is evaluated blind', () => {
  const input = encodeUtf8('correct horse battery staple');
  const evaluate = (fresh: string, from: readonly PartyIndex[]) => {
    const { point: blinded, blind } = blindInput(input, bytesOf(fresh));
    const evaluation: Evaluation = { mode: 'blind', points: [blinded] };
    const { results } = combineAnswers(key, evaluation, answersOf(evaluation, from));
    return { blinded: group.encode(blinded), output: unblind(input, blind, results![0]!) };
  };

  test('gives one output under every blind and quorum, which is that of the whole key by another library', () => {
    const [one, two] = [evaluate('a blind', [alpha, bravo]), evaluate('another', [bravo, charlie])];
    expect(one.blinded).not.toEqual(two.blinded);
    expect(one.output).toEqual(two.output);
    const value = scalars.subtract(scalars.add(shareOf(alpha), shareOf(alpha)), shareOf(bravo));
    const { voprf } = ristretto255_oprf;
    const theirs = voprf.blind(input);
    const publicKey = key.groupKey;
    const evaluated = voprf.blindEvaluate(value, publicKey, theirs.blinded);
    const output = voprf.finalize(
      input,
      theirs.blind,
      evaluated.evaluated,
      theirs.blinded,
      publicKey,
      evaluated.proof,
    );
    expect(one.output).toEqual(output);
  });

  test('an answer to a label is no answer to a blinded point, and no output the other’s', () => {
    const { point: blinded } = blindInput(input, bytesOf('a blind'));
    const [labelled] = answersOf(asking(blinded), [alpha]);
    expect(openPartial(key, alpha, { mode: 'blind', points: [blinded] }, labelled!.partial)).toBeUndefined();
    expect(group.equal(pointOfLabel(keyId, input), blinded)).toBe(false);
  });

  test('takes no input that is too long, and no source of randomness that gives nothing', () => {
    expect(codeOf(() => blindInput(new Uint8Array(65_536), bytesOf('a blind')))).toBe('INPUT_INVALID');
    expect(codeOf(() => blindInput(input, new Uint8Array(32)))).toBe('RANDOMNESS_INVALID');
    expect(codeOf(() => blindInput(input, new Uint8Array(31).fill(1)))).toBe('RANDOMNESS_INVALID');
  });
});
