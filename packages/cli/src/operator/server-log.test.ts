import type { OperatorAuditLine } from '@ckm/server';
import { expect, test } from 'vitest';
import { createServerLog } from './server-log.js';

const ASKED: OperatorAuditLine = {
  sequence: 7,
  at: Date.UTC(2026, 10, 28, 20, 47, 35) / 1000,
  deed: 'request.ask',
  who: '3c487cfe'.repeat(8),
  keyId: '1f0c99a2'.repeat(8),
  subject: '37e6a4f5'.repeat(8),
  sentence: 'Pay 0.00300000 BTC to bc1p5d7r…usxg3297.',
  verdict: 'asked',
  policy: '',
  detail: 'bitcoin',
  hash: '',
};

/** What a log leaves behind for a person. */
function logged(hasSentences: boolean, nowMs = () => ASKED.at * 1000, isSealed = false) {
  const lines: string[] = [];
  const terminal = {
    talk: (text: string) => void lines.push(text),
    warn: (text: string) => void lines.push(`! ${text}`),
  };
  return { lines, log: createServerLog(terminal, { folder: 'srv/alpha', isSealed, hasSentences, nowMs }) };
}

test('a request that waits is one line, with the command that approves it', () => {
  const { lines, log } = logged(true);
  log.follow(ASKED);
  expect(lines).toEqual([
    '2026-11-28 20:47:35 UTC  asked        Pay 0.00300000 BTC to bc1p5d7r…usxg3297.  (account 3c487cfe · key 1f0c99a2 · request 37e6a4f5 · bitcoin)  approve: ckm server approve srv/alpha 37e6a4f5',
  ]);
});

test('what a request is about goes into no file and no journal: there a line has kinds and ids', () => {
  const { lines, log } = logged(false);
  log.follow(ASKED);
  log.follow({ ...ASKED, deed: 'operator.reject', verdict: 'rejected', detail: 'not to Mallory' });
  log.follow({
    ...ASKED,
    deed: 'operator.invite',
    verdict: 'done',
    sentence: 'Invite somebody',
    detail: 'Bob',
  });
  const share = { detail: 'bitcoin, attempt 1 with slots 2 3: shares 1', verdict: 'allowed' } as const;
  log.follow({ ...ASKED, ...share });
  log.follow({
    ...ASKED,
    deed: 'request.attempt',
    ...share,
    detail: 'bitcoin, attempt 2: commitments unknown',
  });
  expect(lines).toEqual([
    '2026-11-28 20:47:35 UTC  asked        Sign with a key  (account 3c487cfe · key 1f0c99a2 · request 37e6a4f5)  approve: ckm server approve srv/alpha 37e6a4f5',
    '2026-11-28 20:47:35 UTC  rejected     Say no to what waited  (by the operator · account 3c487cfe · key 1f0c99a2 · request 37e6a4f5)',
    '2026-11-28 20:47:35 UTC  done         Invite somebody  (account 3c487cfe · key 1f0c99a2 · invite 37e6a4f5)',
    '2026-11-28 20:47:35 UTC  share given  Sign with a key  (account 3c487cfe · key 1f0c99a2 · request 37e6a4f5)',
  ]);
  expect(lines.join()).not.toMatch(/Pay|Mallory|Bob|bitcoin|[a-z]\.[a-z]+ {2}/);
});

test('steps of a ceremony are passed over, its end is not', () => {
  const { lines, log } = logged(true);
  for (const deed of ['session.accepted', 'session.running', 'session.round', 'session.finished'])
    log.follow({ ...ASKED, deed, verdict: 'done', sentence: 'Make a key.' });
  expect(lines).toEqual([expect.stringMatching(/UTC {2}finished {5}Make a key\./)]);
});

test('that a server was opened with its passphrase is a line, and the start of one without says it in its own words', () => {
  const start = { ...ASKED, deed: 'server.start', verdict: 'done', sentence: 'Start the server' };
  const [sealed, plain] = [logged(true, undefined, true), logged(true)];
  sealed.log.follow(start);
  plain.log.follow(start);
  expect(sealed.lines).toEqual([
    '2026-11-28 20:47:35 UTC  opened       The server was opened with its passphrase',
  ]);
  expect(plain.lines).toEqual([]);
});

test('a server that answers hundreds of requests in a second names twenty of them and counts the others', () => {
  let now = 0;
  const { lines, log } = logged(true, () => now);
  for (let i = 0; i < 300; i++) log.follow({ ...ASKED, verdict: 'allowed' });
  expect(lines).toHaveLength(20);
  // What somebody has to do something about is always said.
  log.follow(ASKED);
  expect(lines.slice(20)).toEqual(['280 more requests were answered', expect.stringContaining('approve:')]);
  now = 1_000;
  log.follow({ ...ASKED, verdict: 'allowed' });
  expect(lines).toHaveLength(23);
});

test('of the server’s own log warnings are told, and everything at the level of debugging', () => {
  const { lines, log } = logged(true);
  const write = (entry: object) => log.destination.write(`${JSON.stringify(entry)}\n`);
  write({ level: 40, time: 1, code: 'STORAGE_WENT_BACK', count: 1, msg: 'the database is older' });
  write({ level: 50, time: 1, msg: 'database failed' });
  write({ level: 30, time: 1, msg: 'session moved' });
  write({ level: 20, time: 1, function: 'request.ask', code: 'OK', msg: 'message answered' });
  log.destination.write('no JSON');
  expect(lines).toEqual([
    '! 2026-11-28 20:47:35 UTC  warning      the database is older  (STORAGE_WENT_BACK)',
    '! 2026-11-28 20:47:35 UTC  error        database failed',
    '2026-11-28 20:47:35 UTC  debug        message answered function="request.ask"',
  ]);
});
