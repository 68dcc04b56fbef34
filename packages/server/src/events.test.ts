import { BugError } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { createReporting } from './events.js';
import { createLog, LOG_FENCE } from './log.js';

const CANARY = 'canary';

/** What `log` leaves behind that was written by somebody who did not think. */
function written(write: (log: ReturnType<typeof createLog>) => void, fence = LOG_FENCE): string {
  const lines: string[] = [];
  write(createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } }, fence));
  return lines.join('');
}

describe('V65: the log', () => {
  const thoughtless = [
    { share: CANARY },
    { a: { seed: CANARY } },
    { a: { b: { key: CANARY } } },
    { passphrase: CANARY, secret: CANARY, body: CANARY, payload: CANARY },
    { sealed: CANARY, nonce: CANARY, token: CANARY, url: `postgres://ckm:${CANARY}@db/ckm` },
  ];

  test('strikes out a field that should never be logged, even if somebody logs it', () => {
    for (const fields of thoughtless) {
      const line = written((log) => log.error(fields, 'oops'));
      expect(line).toContain('<secret>');
      expect(line).toContain('oops');
      expect(line).not.toContain(CANARY);
    }
  });

  test('would show each of them without its fence: what strikes them out is that, and nothing by chance', () => {
    const { redact: _fence, ...open } = LOG_FENCE;
    for (const fields of thoughtless) expect(written((log) => log.error(fields), open)).toContain(CANARY);
  });

  test('takes no word from anybody else: not of a label, and not of an error', () => {
    const lines: string[] = [];
    const { events } = createReporting({
      level: 'debug',
      destination: { write: (line) => void lines.push(line) },
    });
    events.messageAnswered({ function: 'canary one', code: 'canary two', seconds: 1 });
    events.bug(new Error('canary three'));
    events.bug({ canary: 'four' });
    events.bug(
      new BugError('canary five', { code: 'canary six', hint: '', cause: new Error('canary seven') }),
    );
    expect(lines.join()).not.toContain(CANARY);
    expect(lines).toHaveLength(4);
  });
});
