import { describe, expect, test, vi } from 'vitest';
import { formatLikeness } from './likeness.js';
import { createTerminal } from './terminal.js';

const options = { json: false, quiet: false, trueColor: true, input: false, direct: false };
const digest = new Uint8Array(32).fill(7);

/** What a terminal writes to stdout. */
function shown(color: boolean, text: (terminal: ReturnType<typeof createTerminal>) => string): string {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const terminal = createTerminal({ ...options, color });
    terminal.result(text(terminal), null);
    return write.mock.calls.map(([chunk]) => String(chunk)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('a terminal', () => {
  test('lets nothing through that moves the cursor, hides text or turns it around', () => {
    for (const color of [true, false]) {
      const text = shown(color, () => 'a\u001b[2Jb\u001b]0;title\u0007c\u202ed\u200be\u001b[1;31mf\n');
      expect(text).toBe('a\u{fffd}[2Jb\u{fffd}]0;title\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}[1;31mf\n');
    }
  });

  test('names commands as it was called; not in what others wrote, for whoever copies it, or for programs', () => {
    const said: string[] = [];
    const listen = (text: unknown) => {
      said.push(String(text).trim());
      return true;
    };
    vi.stubEnv('CKM_CALLED_AS', './ckm');
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation(listen),
    );
    try {
      const terminal = createTerminal({ ...options, color: false });
      terminal.talk('ckm lock');
      terminal.warn('ckm lock');
      terminal.result('ckm lock', null);
      terminal.talk('ckm lock', 'asWritten');
      terminal.warn('ckm lock', 'asWritten');
      terminal.result('ckm lock', null, 'asWritten');
      terminal.copied('ckm lock', null);
      createTerminal({ ...options, color: false, json: true }).result('ckm lock', { hint: 'ckm lock' });
    } finally {
      for (const spy of spies) spy.mockRestore();
      vi.unstubAllEnvs();
    }
    const named = Array.from({ length: 3 }, () => './ckm lock');
    const written = Array.from({ length: 4 }, () => 'ckm lock');
    expect(said).toEqual([...named, ...written, '{"hint":"ckm lock"}']);
  });

  test('paints a likeness where there is colour, and writes one without where there is none', () => {
    const painted = shown(true, (terminal) => formatLikeness(terminal, 'alpha', digest));
    expect(painted).not.toContain('\u{fffd}');
    expect(painted.match(/\u001b\[48;2;\d+;\d+;\d+m {2}/g)).toHaveLength(100);
    const plain = shown(false, (terminal) => formatLikeness(terminal, 'alpha', digest));
    expect(plain).not.toMatch(/[\u001b\u{fffd}]/u);
    expect(plain).toContain('██');
  });
});
