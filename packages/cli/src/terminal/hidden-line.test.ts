import { describe, expect, test } from 'vitest';
import { createHiddenLine, HIDDEN_LINE_BYTES } from './hidden-line.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
/** What a line becomes when these chunks come, and how it ended. */
function typed(...chunks: readonly (string | Uint8Array)[]) {
  const line = createHiddenLine();
  let state = 'open';
  for (const chunk of chunks) {
    if (state === 'open') state = line.feed(typeof chunk === 'string' ? bytes(chunk) : chunk);
  }
  const taken = line.take();
  return { state, text: taken === null ? null : Buffer.from(taken).toString() };
}

describe('a line typed without echo', () => {
  test.each([
    ['ends at Enter, and drops what comes behind it', ['river', ' lamp\rmore'], 'river lamp'],
    ['ends at the line feed of a paste', ['river lamp\n'], 'river lamp'],
    ['loses a whole character at each Backspace', ['réü\u{1f511}\x7f\x7f\x08x\r'], 'rx'],
    ['is empty after as many Backspaces as anybody presses', ['ab\x7f\x7f\x7f\x7f\r'], ''],
    ['begins anew at Ctrl-U', ['wrong\x15right\r'], 'right'],
    [
      'takes no arrows, function keys or marks of a paste',
      ['a\x1b[D\x1bOP\x1b[15~b\x1b[200~c\x1b[201~\r'],
      'abc',
    ],
    ['takes no sequence that comes in two parts', ['a\x1b[', '1;5Db\r'], 'ab'],
    ['takes no other control characters', ['a\tb\x00\x01\x04c\r'], 'abc'],
  ])('%s', (_, chunks, text) => {
    expect(typed(...chunks)).toEqual({ state: 'ended', text });
  });

  test('is shown from one Tab to the next, in copies', () => {
    const line = createHiddenLine();
    const shown = (text: string) => {
      line.feed(bytes(text));
      const copy = line.shown();
      return copy === null ? null : Buffer.from(copy).toString();
    };
    expect(['river', '\t', ' lamp', '\x15', 'onion', '\t', 's'].map(shown)).toEqual([
      null,
      'river',
      'river lamp',
      '',
      'onion',
      null,
      null,
    ]);
    line.feed(bytes('\t'));
    line.shown()!.fill(0);
    expect(Buffer.from(line.take()!).toString()).toBe('onions');
  });

  test('keeps a character whose bytes come one by one', () => {
    const parts = [...bytes('é\u{1f511}')].map((byte) => new Uint8Array([byte]));
    expect(typed(...parts, '\r').text).toBe('é\u{1f511}');
  });

  test.each([
    ['Ctrl-C', ['secret\x03']],
    ['Escape', ['secret', '\x1b']],
    ['Ctrl-D on an empty line', ['\x04']],
  ])('is left with %s', (_, chunks) => {
    expect(typed(...chunks).state).toBe('left');
  });

  test('counts its words, whatever stands between them, and no other thing about it', () => {
    const line = createHiddenLine();
    const counts = ['  ab', 'le', ' ', ' about', '\x15', 'art', ' ', '\x7f\x7f\x7f\x7f'].map((chunk) => {
      line.feed(bytes(chunk));
      return line.words();
    });
    expect(counts).toEqual([1, 1, 1, 2, 0, 1, 1, 0]);
  });

  test('is not cut short when it is too long', () => {
    expect(typed('x'.repeat(HIDDEN_LINE_BYTES), '\r').text).toHaveLength(HIDDEN_LINE_BYTES);
    expect(typed('x'.repeat(HIDDEN_LINE_BYTES + 1), '\r').text).toBeNull();
  });

  test('leaves nothing in what the terminal sent', () => {
    const line = createHiddenLine();
    const chunk = bytes('river lamp\rmore');
    line.feed(chunk);
    expect(chunk).toEqual(new Uint8Array(chunk.length));
    const left = bytes('secret\x03more');
    line.feed(left);
    expect(left).toEqual(new Uint8Array(left.length));
    line.wipe();
    expect(line.take()).toHaveLength(0);
  });
});
