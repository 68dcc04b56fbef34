import { afterEach, expect, test, vi } from 'vitest';
import { formatLikeness } from './likeness.js';
import { createTerminal, type Terminal } from './terminal.js';

afterEach(() => vi.restoreAllMocks());

/** What a terminal with colours is given. */
function shown(say: (terminal: Terminal) => void): string {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  say(
    createTerminal({ json: false, quiet: false, color: true, trueColor: true, input: false, direct: false }),
  );
  return written.join('');
}

test('text that would hide what follows it, or clear the screen, is shown as what it is', () => {
  for (const sequence of ['[8m', '[30m', '[7m', '[47m', '[38;5;0m', '[2J', ']0;title\u0007']) {
    expect(shown(({ warn }) => warn(`alpha\u001b${sequence} fine`))).not.toContain('\u001b');
  }
});

test('the colours of a likeness reach the screen', () => {
  const text = shown((terminal) =>
    terminal.warn(formatLikeness(terminal, 'alpha', new Uint8Array(32).fill(7))),
  );
  expect(text).toContain('\u001b[48;2;');
  expect(text).not.toContain('\u{fffd}');
});

test('letters that nobody sees, and marks piled on one letter, are shown as what they are', () => {
  for (const hidden of ['\u00ad', '\u180e', '\u3164', '\u{e0041}', '\u202e', '\u200b']) {
    expect(shown(({ warn }) => warn(`al${hidden}pha`))).toBe('al\u{fffd}pha\n');
  }
  expect(shown(({ warn }) => warn(`a${'\u0301'.repeat(50)}b`))).toBe(`a${'\u0301'.repeat(4)}\u{fffd}b\n`);
  expect(shown(({ warn }) => warn('é \u2764\ufe0f naïve'))).toBe('é \u2764\ufe0f naïve\n');
});
