/** Of one line, in UTF-8. */
export const HIDDEN_LINE_BYTES = 4096;

/** What a line became with the bytes it was fed. */
export type LineState = 'open' | 'ended' | 'left';

/**
 * A line typed without echo, as bytes in one buffer that never moves: no string of it comes to be. Backspace takes a whole
 * character, Ctrl-U all; Enter ends it; Ctrl-C, Escape and, on an empty line, Ctrl-D leave. Tab asks for it to be shown, or hidden again.
 * Arrows, function keys, the marks around a paste and other control characters count for nothing.
 */
export interface HiddenLine {
  /** Takes what the terminal sent, and overwrites it. Whatever follows Enter is dropped. */
  feed(bytes: Uint8Array): LineState;
  /** How many words it has by now, the one that is being typed among them. */
  words(): number;
  /** A copy of what is to be shown, which the caller wipes; null: nobody pressed Tab, or twice. */
  shown(): Uint8Array | null;
  /** A copy of the line; the caller wipes it. Null: it is longer than {@link HIDDEN_LINE_BYTES}. */
  take(): Uint8Array | null;
  wipe(): void;
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const ENTER = 0x0d;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const DELETE = 0x7f;

export function createHiddenLine(): HiddenLine {
  const line = new Uint8Array(HIDDEN_LINE_BYTES);
  let length = 0;
  let isTooLong = false;
  let isShown = false;
  const skips = createEscapeFilter();

  function clear(): void {
    line.fill(0);
    length = 0;
    isTooLong = false;
  }

  function dropCharacter(): void {
    while (length > 0) {
      const byte = line[--length]!;
      line[length] = 0;
      // The bytes of a character after its first are 10xxxxxx.
      if ((byte & 0xc0) !== 0x80) return;
    }
  }

  function type(byte: number): void {
    if (length === HIDDEN_LINE_BYTES) isTooLong = true;
    else line[length++] = byte;
  }

  function press(byte: number): LineState {
    if (byte === ENTER || byte === LINE_FEED) return 'ended';
    if (byte === CTRL_C || (byte === CTRL_D && length === 0)) return 'left';
    if (byte === BACKSPACE || byte === DELETE) dropCharacter();
    else if (byte === CTRL_U) clear();
    else if (byte === TAB) isShown = !isShown;
    else if (byte >= SPACE) type(byte);
    return 'open';
  }

  return {
    feed: (bytes) => {
      try {
        // The key alone; with others behind it it begins a sequence.
        if (bytes.length === 1 && bytes[0] === ESCAPE) return 'left';
        for (const byte of bytes) {
          const state = skips(byte) ? 'open' : press(byte);
          if (state !== 'open') return state;
        }
        return 'open';
      } finally {
        bytes.fill(0);
      }
    },
    words: () => {
      let count = 0;
      for (let at = 0; at < length; at++)
        if (line[at] !== SPACE && (at === 0 || line[at - 1] === SPACE)) count++;
      return count;
    },
    shown: () => (isShown ? line.slice(0, length) : null),
    take: () => (isTooLong ? null : line.slice(0, length)),
    wipe: clear,
  };
}

/** Whether a byte belongs to an escape sequence: `ESC [ … letter`, `ESC O letter`, or `ESC` and one more. Source: ECMA-48 §5.4. */
function createEscapeFilter(): (byte: number) => boolean {
  let state: 'none' | 'escape' | 'sequence' | 'last' = 'none';
  return (byte) => {
    const before = state;
    if (before === 'none') state = byte === ESCAPE ? 'escape' : 'none';
    else if (before === 'escape') state = byte === 0x5b ? 'sequence' : byte === 0x4f ? 'last' : 'none';
    else if (before === 'last' || (byte >= 0x40 && byte <= 0x7e)) state = 'none';
    return before !== 'none' || state !== 'none';
  };
}
