import { CkmError } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { Codec, Incoming, PartyIndex, Protocol, Step } from './contract.js';
import { sortInbox } from './inbox.js';
import { block, readLayout, uint16be, uint32be, uint32le, uint64be, uint64le, uint8 } from './layout.js';
import { simulate } from './simulate.js';

const party = (value: number) => value as PartyIndex;
const PARTIES = [1, 2, 3].map(party);

describe('fixed layouts', () => {
  const written = [
    uint8(7),
    uint16be(0x0102),
    uint32be(0xfffefdfc),
    block(Uint8Array.of(9, 8)),
    Uint8Array.of(5),
  ];
  const bytes = Uint8Array.from(written.flatMap((part) => [...part]));
  const read = (input: Uint8Array) => {
    const reader = readLayout(input, 'a test', 64);
    const values = [reader.uint8(), reader.uint16be(), reader.uint32be(), reader.block(2), reader.bytes(1)];
    reader.end();
    return values;
  };

  it('read back what was written', () => {
    expect(read(bytes)).toEqual([7, 0x0102, 0xfffefdfc, Uint8Array.of(9, 8), Uint8Array.of(5)]);
    expect(uint64be(0x01020304)).toEqual(Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4));
    expect(uint64le(0x01020304)).toEqual(Uint8Array.of(4, 3, 2, 1, 0, 0, 0, 0));
    expect(uint32le(0x01020304)).toEqual(Uint8Array.of(4, 3, 2, 1));
  });

  it('refuse what is cut short at any place, or longer', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => read(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'LAYOUT_INVALID' }),
      );
    }
    expect(() => read(Uint8Array.of(...bytes, 0))).toThrow(
      expect.objectContaining({ code: 'LAYOUT_INVALID' }),
    );
  });

  it('refuse a length above the limit before they look at what follows', () => {
    const reader = readLayout(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 'a test', 64);
    expect(() => reader.block(1 << 20)).toThrow(expect.objectContaining({ code: 'LAYOUT_INVALID' }));
    expect(() => readLayout(new Uint8Array(65), 'a test', 64)).toThrow(
      expect.objectContaining({ code: 'LAYOUT_TOO_LONG' }),
    );
    expect(() => readLayout('text' as never, 'a test', 64)).toThrow(CkmError);
  });

  it('V11: never wrap an integer that does not fit into another one', () => {
    const wrong = [
      () => uint8(256),
      () => uint16be(-1),
      () => uint16be(65_536),
      () => uint32be(2 ** 32),
      () => uint32le(0.5),
    ];
    for (const encode of [...wrong, () => uint64be(Number.NaN)]) {
      expect(encode).toThrow(expect.objectContaining({ code: 'INTEGER_OUT_OF_RANGE' }));
    }
  });

  it('hand out copies, also of Node buffers', () => {
    const input = Buffer.from([1, 2, 3]);
    const copy = readLayout(input, 'a test', 64).bytes(3);
    input.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
    expect(copy.constructor).toBe(Uint8Array);
  });
});

const textCodec: Codec<string> = {
  maxBytes: 100,
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => new TextDecoder().decode(bytes),
};

describe('an inbox', () => {
  const isText = (body: string): body is string => typeof body === 'string';
  const awaited = { round: 1, from: [party(2), party(3)] };
  const from = (sender: number, body: string, round = 1): Incoming<string> => ({
    from: party(sender),
    round,
    body,
  });
  const sort = (...inbox: Incoming<string>[]) => sortInbox(textCodec, awaited, inbox, isText);

  it('is complete with one message of each sender awaited, in any order', () => {
    const expected = {
      kind: 'complete',
      from: new Map([
        [2, 'b'],
        [3, 'c'],
      ]),
    };
    expect(sort(from(2, 'b'), from(3, 'c'))).toEqual(expected);
    expect(sort(from(3, 'c'), from(2, 'b'))).toEqual(expected);
  });

  it('waits while one is missing', () => {
    expect(sort(from(2, 'b'))).toEqual({ kind: 'incomplete' });
    expect(sort()).toEqual({ kind: 'incomplete' });
  });

  it('V19: ignores other rounds, strangers, and the same message again', () => {
    const strays = [from(2, 'old', 0), from(3, 'later', 2), from(1, 'me'), from(9, 'who'), from(0, 'zero')];
    expect(sort(...strays, from(2, 'b'), from(2, 'b'), from(3, 'c'))).toMatchObject({ kind: 'complete' });
  });

  it('names all who say two things, even while others are missing', () => {
    expect(sort(from(3, 'c'), from(3, 'd'), from(2, 'b'), from(2, 'x'))).toEqual({
      kind: 'faulty',
      fault: { code: 'FAULT_EQUIVOCATION', round: 1, culprits: [2, 3] },
    });
    expect(sort(from(3, 'c'), from(3, 'd'))).toMatchObject({ kind: 'faulty' });
  });

  it('names who sends what nobody honest can have written', () => {
    expect(sort(from(2, 7 as never), from(3, 'c'))).toEqual({
      kind: 'faulty',
      fault: { code: 'FAULT_MALFORMED', round: 1, culprits: [2] },
    });
  });
});

interface Count {
  readonly round: number;
  readonly me: PartyIndex;
  readonly heard: string;
}

/** Two rounds in which everybody says who it is and what it heard. */
const gossip: Protocol<PartyIndex, Count, string, string> = {
  id: 'ckm/gossip/v1',
  state: {
    maxBytes: 1000,
    encode: (state) => textCodec.encode(JSON.stringify(state)),
    decode: (bytes) => JSON.parse(textCodec.decode(bytes)) as Count,
  },
  message: textCodec,
  start: (me) => say({ round: 0, me, heard: '' }, `I am ${me}`),
  awaiting: ({ round, me }) => ({ round, from: PARTIES.filter((other) => other !== me) }),
  advance(state, inbox) {
    const sorted = sortInbox(
      textCodec,
      gossip.awaiting(state),
      inbox,
      (body): body is string => typeof body === 'string',
    );
    if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
    if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
    const heard = `${state.heard}${[...sorted.from.values()].sort().join()};`;
    if (state.round === 1) return { kind: 'finished', output: heard, outbox: [] };
    return say({ ...state, round: 1, heard }, `heard ${heard}`);
  },
};

function say(state: Count, body: string): Step<Count, string, string> {
  return { kind: 'waiting', state, outbox: [{ to: 'everyone', round: state.round, body }] };
}

describe('a simulated run', () => {
  const base = {
    protocol: gossip,
    parties: PARTIES,
    params: (me: PartyIndex) => me,
    seed: () => new Uint8Array(32),
  };

  it('lets everybody finish, and records all that was said and every state', () => {
    const { outcomes, wire, states } = simulate(base);
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(['finished', 'finished', 'finished']);
    expect(wire).toHaveLength(12);
    expect([...states.values()].map((list) => list.length)).toEqual([2, 2, 2]);
  });

  it('leaves those waiting who do not hear, and ends', () => {
    const { outcomes } = simulate({
      ...base,
      deliver: (delivery) => (delivery.from === 2 ? [] : [delivery]),
    });
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(['waiting', 'waiting', 'waiting']);
  });

  it('ends although an arranged inbox hides what a party waits for', () => {
    const { outcomes } = simulate({ ...base, arrange: (inbox) => inbox.slice(1) });
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(['waiting', 'waiting', 'waiting']);
  });

  it('delivers what the adversary makes of a message, to whom it likes', () => {
    const { outcomes } = simulate({
      ...base,
      deliver: (delivery) =>
        delivery.from === 3 ? [delivery, { ...delivery, to: party(1), body: 'a lie' }] : [delivery],
    });
    expect(outcomes.get(party(1))).toMatchObject({ kind: 'aborted', fault: { culprits: [3] } });
    expect(outcomes.get(party(2))).toMatchObject({ kind: 'waiting' });
  });

  it('lets a hook replace what a party does', () => {
    const { outcomes } = simulate({
      ...base,
      onStep: (me, step) => (me === 2 && step.kind === 'waiting' ? { ...step, outbox: [] } : step),
    });
    expect(outcomes.get(party(1))).toMatchObject({ kind: 'waiting' });
  });
});
