import { beforeEach, describe, expect, test } from 'vitest';
import { createLongMessages, type From, type LongMessages, SHORT_MESSAGE_BYTES } from './long-messages.js';

const LONGEST = 2_097_152;
const ALICE = new Uint8Array(32).fill(0xa1);
const BOB = new Uint8Array(32).fill(0xb0);
const from = (address: string, route: number | null = null): From => ({
  address,
  route: route === null ? null : route.toString(16).padStart(32, '0'),
});
const CAFE = '192.0.2.66';

let now: number;
let messages: LongMessages;
beforeEach(() => {
  now = 0;
  messages = createLongMessages(LONGEST, () => now);
});

/** How many of the longest messages are opened before one is refused. */
function sendRubbish(origin: From): number {
  let count = 0;
  while (count < 100 && messages.take(origin, LONGEST) !== null) count++;
  return count;
}

describe('V70: createLongMessages, for an address that sends rubbish', () => {
  test('opens eight of the longest in a minute, and short ones always', () => {
    expect(sendRubbish(from(CAFE))).toBe(8);
    expect(messages.mostBytes(from(CAFE))).toBe(SHORT_MESSAGE_BYTES);
    expect(messages.take(from(CAFE), SHORT_MESSAGE_BYTES)).not.toBeNull();
    expect(messages.take(from(CAFE), SHORT_MESSAGE_BYTES + 1)).toBeNull();
    now += 60_000 / 8;
    expect(sendRubbish(from(CAFE))).toBe(1);
  });

  test('opens long ones of another address as before', () => {
    sendRubbish(from(CAFE));
    expect(messages.mostBytes(from('192.0.2.1'))).toBe(LONGEST);
  });

  test('is not got round by a new route for each message', () => {
    let opened = 0;
    for (let route = 1; route <= 50; route++) {
      if (messages.take(from(CAFE, route), LONGEST) !== null) opened++;
    }
    expect(opened).toBe(8);
  });

  test('opens long ones of its neighbours by a link that was heard, and of nobody who was only a stranger', () => {
    sendRubbish(from(CAFE));
    messages.take(from(CAFE, 1), 1_000)!.heard(ALICE);
    messages.take(from(CAFE, 2), 1_000)!.heard(null);
    expect(messages.mostBytes(from(CAFE, 1))).toBe(LONGEST);
    expect(messages.mostBytes(from(CAFE, 2))).toBe(SHORT_MESSAGE_BYTES);
    expect(messages.mostBytes(from(CAFE, 3))).toBe(SHORT_MESSAGE_BYTES);
  });

  test('opens as many in a minute for an account, however many links it has', () => {
    let opened = 0;
    for (let route = 1; route <= 8; route++) {
      messages.take(from(CAFE, route), 1_000)!.heard(ALICE);
      opened += sendRubbish(from(CAFE, route));
    }
    expect(opened).toBe(8);
  });

  test('remembers the last links of each account, and no account pushes out the link of another', () => {
    sendRubbish(from(CAFE));
    messages.take(from(CAFE, 1), 1_000)!.heard(BOB);
    for (let route = 2; route <= 50; route++) messages.take(from(CAFE, route), 1_000)!.heard(ALICE);
    expect(messages.mostBytes(from(CAFE, 1))).toBe(LONGEST);
    expect(messages.mostBytes(from(CAFE, 42))).toBe(SHORT_MESSAGE_BYTES);
    expect(messages.mostBytes(from(CAFE, 43))).toBe(LONGEST);
    // Nor takes it over.
    messages.take(from(CAFE, 1), 1_000)!.heard(ALICE);
    sendRubbish(from(CAFE, 50));
    expect(messages.mostBytes(from(CAFE, 1))).toBe(LONGEST);
  });
});

test('createLongMessages counts nothing of what is heard', () => {
  for (let i = 0; i < 100; i++) messages.take(from(CAFE), LONGEST)!.heard(ALICE);
  expect(sendRubbish(from(CAFE))).toBe(8);
});

test('createLongMessages refuses nothing where no message can be long', () => {
  messages = createLongMessages(16_384, () => now);
  expect(messages.mostBytes(from(CAFE))).toBe(16_384);
  for (let i = 0; i < 100; i++) expect(messages.take(from(CAFE), 16_384)).not.toBeNull();
});
