import type { OperatorAuditLine } from '@ckm/server';
import { expect, test } from 'vitest';
import { formatAudit } from './audit-lines.js';

const OWNER = '3c487cfe'.repeat(8);
const at = Date.UTC(2026, 10, 28, 21, 5, 39) / 1000;

function line(sequence: number, more: Partial<OperatorAuditLine>): OperatorAuditLine {
  return {
    sequence,
    at: at + sequence,
    deed: 'request.ask',
    who: OWNER,
    keyId: null,
    subject: 'ab'.repeat(32),
    sentence: 'Sign the message “ctrlc” with this key.',
    verdict: 'done',
    policy: '',
    detail: '',
    hash: '',
    ...more,
  };
}

const ASK = { verdict: 'allowed', detail: 'message, attempt 1 with slots 2 3: shares 1' } as const;

test('the audit log says of each entry what became of it, when in UTC, and of a cancellation that it is one', () => {
  const text = formatAudit([
    line(1, ASK),
    line(2, { deed: 'request.cancel', detail: 'message' }),
    line(3, { deed: 'request.ask', verdict: 'asked', detail: 'message' }),
    line(4, { deed: 'operator.reject', who: null, verdict: 'rejected', detail: 'call me first' }),
    line(5, { deed: 'request.ask', verdict: 'refused', detail: 'message: POLICY_KIND' }),
    line(6, {
      ...ASK,
      deed: 'request.attempt',
      detail: 'message, attempt 2 with slots 1 2: commitments unknown',
    }),
    line(7, { deed: 'server.rollback', who: null, subject: null, verdict: 'failed', sentence: 'Back' }),
  ]);
  expect(text.split('\n')).toEqual([
    '    1  2026-11-28 21:05:40 UTC  share given  Sign the message “ctrlc” with this key.  (account 3c487cfe · request abababab · message, attempt 1 with slots 2 3: shares 1)',
    '    2  2026-11-28 21:05:41 UTC  cancelled    Sign the message “ctrlc” with this key.  (by its owner · account 3c487cfe · request abababab · message)',
    '    3  2026-11-28 21:05:42 UTC  asked        Sign the message “ctrlc” with this key.  (account 3c487cfe · request abababab · message)',
    '    4  2026-11-28 21:05:43 UTC  rejected     Sign the message “ctrlc” with this key.  (by the operator · request abababab · call me first)',
    '    5  2026-11-28 21:05:44 UTC  refused      Sign the message “ctrlc” with this key.  (account 3c487cfe · request abababab · message: POLICY_KIND)',
    '    6  2026-11-28 21:05:45 UTC  allowed      Sign the message “ctrlc” with this key.  (account 3c487cfe · request abababab · message, attempt 2 with slots 1 2: commitments unknown)',
    '    7  2026-11-28 21:05:46 UTC  went back    Back',
  ]);
});

test('rounds of a ceremony are one line, also where another ceremony speaks between them', () => {
  const round = (sequence: number, number: number, session: string) =>
    line(sequence, { deed: 'session.round', subject: session.repeat(32), detail: `round ${number}` });
  const lines = formatAudit([
    round(1, 1, 'aa'),
    round(2, 1, 'bb'),
    round(3, 2, 'aa'),
    round(4, 3, 'aa'),
    line(5, { deed: 'session.finished', subject: 'aa'.repeat(32) }),
  ]).split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^ {4}1 .* went on .*session aaaaaaaa · rounds 1 to 3, until entry 4\)$/),
    expect.stringMatching(/^ {4}2 .* went on .*session bbbbbbbb · round 1\)$/),
    expect.stringMatching(/^ {4}5 .* finished .*session aaaaaaaa\)$/),
  ]);
});
