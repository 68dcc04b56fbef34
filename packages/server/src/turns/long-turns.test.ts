import { expect, test } from 'vitest';
import { SHORT_MESSAGE_BYTES } from './long-messages.js';
import { createLongTurns, longTurnLimits } from './long-turns.js';

const LONG = 100_000;

/** Turns, and who has begun, in order. */
function open(limits: { inWork: number; waiting: number; places?: number }) {
  const turns = createLongTurns({ places: 100, ...limits });
  const begun: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = async (label: string, length = LONG, name = label) => {
    leave.set(label, (await turns.enter(name, length))!);
    begun.push(label);
  };
  const end = async (label: string) => {
    leave.get(label)!();
    // Twice is once.
    leave.get(label)!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { begun, enter, end, settle };
}

test('long messages work as far as their bytes fit, and one that fits nowhere works alone', async () => {
  const { begun, enter, end, settle } = open({ inWork: 2 * LONG, waiting: 100 * LONG });
  for (const label of ['a', 'b', 'c']) void enter(label);
  void enter('large', 5 * LONG);
  void enter('d');
  await settle();
  expect(begun).toEqual(['a', 'b']);
  await end('a');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('b');
  await end('c');
  expect(begun).toEqual(['a', 'b', 'c', 'large']);
  await end('large');
  expect(begun.at(-1)).toBe('d');
});

test('names take turns: who sends many waits behind himself', async () => {
  const { begun, enter, end, settle } = open({ inWork: LONG, waiting: 100 * LONG });
  for (const label of ['a1', 'a2', 'a3']) void enter(label, LONG, 'alice');
  void enter('b1', LONG, 'bob');
  await settle();
  for (const label of ['a1', 'a2', 'b1']) await end(label);
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
});

test('who has gone leaves the line at once: its place and its bytes are free, and who stood behind it has a turn', async () => {
  const turns = createLongTurns({ inWork: LONG, waiting: 4 * LONG, places: 100 });
  const gone = new AbortController();
  const leave = await turns.enter('alice', LONG);
  const entered = turns.enter('alice', 2 * LONG, gone.signal);
  await expect(turns.enter('alice', LONG)).rejects.toMatchObject({ code: 'SERVER_BUSY' });
  gone.abort();
  expect(await entered).toBeNull();
  const next = turns.enter('alice', 2 * LONG, new AbortController().signal);
  leave!();
  expect(await next).not.toBeNull();
  expect(await turns.enter('bob', LONG, gone.signal)).toBeNull();
});

test('who waits behind a long one that has gone is let in as soon as it fits', async () => {
  const turns = createLongTurns({ inWork: 2 * LONG, waiting: 100 * LONG, places: 100 });
  const gone = new AbortController();
  await turns.enter('alice', LONG);
  const large = turns.enter('bob', 2 * LONG, gone.signal);
  const small = turns.enter('carol', LONG);
  gone.abort();
  expect([await large, await small]).toEqual([null, expect.any(Function)]);
});

test('who goes when its turn has come keeps it until it is over', async () => {
  const turns = createLongTurns({ inWork: LONG, waiting: 100 * LONG, places: 100 });
  const gone = new AbortController();
  const first = await turns.enter('alice', LONG);
  const second = turns.enter('bob', LONG, gone.signal);
  first!();
  const leave = await second;
  gone.abort();
  const third = turns.enter('carol', LONG);
  leave!();
  expect(await third).not.toBeNull();
});

test('short ones never wait', async () => {
  const { begun, enter, settle } = open({ inWork: LONG, waiting: 0 });
  void enter('long');
  for (const label of ['s', 't']) void enter(label, SHORT_MESSAGE_BYTES);
  await settle();
  expect(begun).toEqual(['long', 's', 't']);
});

test('what would wait beyond the limit is refused in words, and again let in when there is room', async () => {
  const { begun, enter, end, settle } = open({ inWork: LONG, waiting: 3 * LONG });
  for (const label of ['a', 'b', 'c']) void enter(label);
  await settle();
  await expect(enter('d')).rejects.toMatchObject({ code: 'SERVER_BUSY' });
  await end('a');
  void enter('e');
  await end('b');
  await end('c');
  expect(begun).toEqual(['a', 'b', 'c', 'e']);
});

test('V70: one name that sends as many as it may leaves places and bytes to others, and to short messages', async () => {
  const [concurrency, longest] = [256, 20 * LONG];
  const turns = createLongTurns(longTurnLimits(longest, concurrency));
  const taken = async (name: string, length: number) => {
    let count = 0;
    for (let isFull = false; !isFull;) {
      isFull = await Promise.race([
        turns.enter(name, length).then(
          () => false,
          () => true,
        ),
        new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
      ]);
      if (!isFull) count++;
    }
    return count;
  };
  await turns.enter('first', longest);
  const counts = [];
  for (const name of ['mallory', 'trudy', 'alice']) counts.push(await taken(name, SHORT_MESSAGE_BYTES + 1));
  expect(counts).toEqual([64, 32, 16]);
  expect(await taken('bob', longest)).toBeGreaterThanOrEqual(1);
});
