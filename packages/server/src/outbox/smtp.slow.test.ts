import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MailConfig } from '../config/config.js';
import type { Notice } from '../notices/notice.js';
import { openRooms, random } from '../test/rooms.js';
import { noticeLater, operatorWays } from './operator-notices.js';
import { createOutbox, listOutbox } from './outbox.js';
import { sendMail } from './smtp.js';
import { mailOf } from './texts.js';

const PASSWORD = 'canary-of-the-mailbox';
const SENTENCE = 'Pay 0.003 BTC to bc1p5d7r.';
const NOTICE: Notice = {
  event: 'waiting',
  server: 'alpha',
  at: '2026-11-28 20:47:35 UTC',
  waiting: 3,
  others: 2,
  id: '37e6a4f5',
  key: '1f0c99a2',
  account: '3c487cfe',
  sentence: SENTENCE,
};
const ASKED = {
  at: Date.UTC(2026, 10, 28, 20, 47, 35) / 1000,
  deed: 'request.ask',
  who: new Uint8Array(32).fill(0xa1),
  keyId: new Uint8Array(32).fill(0xb2),
  subject: new Uint8Array(32).fill(7),
  sentence: SENTENCE,
  verdict: 'asked',
  policy: '',
  detail: 'bitcoin',
} as const;
const MAIL = { to: 'operator@example.org', ...mailOf(NOTICE) };
const never = new AbortController().signal;

let folder: string;
let certificate: { readonly key: Buffer; readonly cert: Buffer; readonly caFile: string };
const servers: SMTPServer[] = [];
const silent: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-smtp-'));
  const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const wanted = ['-subj', '/CN=localhost', '-addext', names, '-days', '3650'];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...made, '-keyout', keyFile, '-out', caFile, ...wanted], {
    stdio: 'ignore',
  });
  certificate = { key: readFileSync(keyFile), cert: readFileSync(caFile), caFile };
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
  for (const { server, sockets } of silent.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Taken {
  readonly text: string;
  readonly isSecure: boolean;
}

/** A mail server on this machine, and what it has taken. */
async function listen(options: SMTPServerOptions = {}) {
  const taken: Taken[] = [];
  const users: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onAuth: ({ username = '', password }, _session, done) => {
      users.push(username);
      if (password === PASSWORD) done(null, { user: username });
      else done(new Error(`no ${String(password)} here`));
    },
    onData: (stream, session, done) => {
      let text = '';
      stream.setEncoding('utf8').on('data', (part: string) => (text += part));
      stream.on('end', () => {
        taken.push({ text, isSecure: session.secure });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.server.address() as AddressInfo).port, taken, users };
}

/** Something that is no mail server, or stops being one. */
async function answerBy(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    answer(socket);
  });
  silent.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function config(port: number, more: Partial<MailConfig> = {}): MailConfig {
  const whole = { host: '127.0.0.1', tls: 'none', from: 'ckm@example.org', to: MAIL.to, user: null } as const;
  return { ...whole, port, passwordFile: null, caFile: null, ...more };
}

const refusing =
  (responseCode: number) => (_address: unknown, _session: unknown, done: (error: Error) => void) =>
    done(Object.assign(new Error(SENTENCE), { responseCode }));

describe('mail', () => {
  test('that is taken arrived as plain text, with nothing of the request in it and nothing to click', async () => {
    const { port, taken } = await listen();
    await sendMail(config(port), MAIL, never);
    const [{ text }] = taken as [Taken];
    expect(text).toContain('Subject: CKM: something waits for your yes or no\r\n');
    expect(text).toContain('Content-Type: text/plain');
    expect(text).toContain('waiting   3\r\nothers    2');
    expect(text).not.toMatch(/BTC|bc1p|http|:\/\/|canary|1f0c99a2|3c487cfe/);
  });

  test.each(['waiting', 'stopped', 'exported', 'terms'] as const)(
    'of a notice that is %s has nothing of what it is about',
    (event) => {
      const { subject, text } = mailOf({ ...NOTICE, event });
      expect(subject + text).not.toMatch(/BTC|bc1p|https?:|www\.|1f0c99a2|3c487cfe/);
      expect(text.split('\n').every((line) => line.length <= 78)).toBe(true);
      expect(text).toContain('alpha');
    },
  );

  test.each([
    ['the address is refused for good', { onRcptTo: refusing(550) }, 'OUTBOX_REFUSED'],
    ['it is to come later', { onRcptTo: refusing(451) }, 'NOTICE_MAIL_LATER'],
    ['a sender is to come later', { onMailFrom: refusing(421) }, 'NOTICE_MAIL_LATER'],
    ['it demands that somebody signs in', { onMailFrom: refusing(530) }, 'NOTICE_MAIL_LOGIN'],
    ['the message is refused for good when it is there', { onData: refusingData(554) }, 'OUTBOX_REFUSED'],
    ['the message is to come later when it is there', { onData: refusingData(452) }, 'NOTICE_MAIL_LATER'],
  ] as const)(
    'is not sent where %s, and nothing of what was answered is told',
    async (_what, options, code) => {
      const { port, taken } = await listen(options as SMTPServerOptions);
      const failure = await sendMail(config(port), MAIL, never).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code });
      expect((failure as Error).message).not.toContain('BTC');
      expect(taken).toEqual([]);
    },
  );

  test('is not sent where the connection is cut while the message goes over', async () => {
    const port = await answerBy((socket) => {
      socket.write('220 here\r\n');
      socket.setEncoding('latin1').on('data', (said: string) => {
        if (said.startsWith('DATA')) socket.write('354 go on\r\n');
        else if (/^(EHLO|MAIL|RCPT)/.test(said)) socket.write('250 yes\r\n');
        else socket.destroy();
      });
    });
    await expect(sendMail(config(port), MAIL, never)).rejects.toMatchObject({
      code: 'NOTICE_MAIL_UNREACHABLE',
    });
  });

  test('is not sent where nobody answers, before the greeting or after the message, and keeps nobody waiting', async () => {
    const port = await answerBy(() => undefined);
    const late = { code: 'NOTICE_TIMEOUT' };
    await expect(sendMail(config(port), MAIL, never, 300)).rejects.toMatchObject(late);
    const asleep = await listen({ onData: (stream) => void stream.resume() });
    await expect(sendMail(config(asleep.port), MAIL, never, 600)).rejects.toMatchObject(late);
    const free = await answerBy(() => undefined);
    await new Promise((resolve) => silent.pop()!.server.close(resolve));
    await expect(sendMail(config(free), MAIL, never)).rejects.toMatchObject({
      code: 'NOTICE_MAIL_UNREACHABLE',
    });
  });

  test('is ended with its server', async () => {
    const port = await answerBy(() => undefined);
    const end = new AbortController();
    const sending = sendMail(config(port), MAIL, end.signal);
    setTimeout(() => end.abort(), 50);
    await expect(sending).rejects.toMatchObject({ code: 'NOTICE_MAIL_UNREACHABLE' });
  });
});

function refusingData(responseCode: number): SMTPServerOptions['onData'] {
  return (stream, _session, done) => {
    stream.resume().on('end', () => done(Object.assign(new Error(SENTENCE), { responseCode })));
  };
}

test('a notice goes by mail through the outbox: later when it is to come later, and sent when it was taken', async () => {
  let isReady = false;
  const { port, taken } = await listen({
    onRcptTo: (address, session, done) => (isReady ? done() : refusing(451)(address, session, done)),
  });
  const rooms = await openRooms();
  const said: string[] = [];
  const { storage, vault } = rooms;
  const events = {
    noticeSent: ({ way }: { way: string }) => void said.push(`${way} sent`),
    noticeFailed: ({ way, code }: { way: string; code: string }) => void said.push(`${way} ${code}`),
    storageFailed: ({ code }: { code: string }) => void said.push(code),
    bug: (error: unknown) => void said.push(String(error)),
  };
  const notify = { command: null, webhook: null, everySeconds: 1, quiet: null };
  const countWaiting = () => Promise.resolve(3);
  const ways = operatorWays({ config: notify, mail: config(port), name: 'alpha', countWaiting });
  const means = { storage, vault, clock: () => rooms.now, random, events };
  const stateNow = async () => (await listOutbox(means, null, 5)).found.map(({ state }) => state);
  const first = createOutbox(means, ways);
  try {
    const operator = { config: notify, events, owner: new Uint8Array(32) };
    await storage.transact((transaction) => noticeLater(first, operator, ways.keys(), transaction, ASKED));
    await expect.poll(() => said, { timeout: 8_000 }).toEqual(['mail NOTICE_MAIL_LATER']);
    await first.close();
    expect([taken, await stateNow()]).toEqual([[], ['waiting']]);
    isReady = true;
    rooms.now += 30;
    const next = createOutbox(means, ways);
    await next.sweep();
    await expect.poll(() => said, { timeout: 8_000 }).toEqual(['mail NOTICE_MAIL_LATER', 'mail sent']);
    await next.close();
    expect([taken.length, await stateNow()]).toEqual([1, ['sent']]);
    expect(taken[0]!.text).not.toMatch(/BTC|bc1p|b2b2b2b2|a1a1a1a1/);
  } finally {
    await first.close();
    await rooms.close();
  }
});

describe('TLS', () => {
  const tls = () => ({ key: certificate.key, cert: certificate.cert, disabledCommands: [] });
  const trusted = () => ({ host: 'localhost', caFile: certificate.caFile });

  test('is there before the password and the message, by STARTTLS or from the first byte', async () => {
    const login = { user: 'ckm', passwordFile: join(folder, 'password') };
    const first = await listen(tls());
    await sendMail(config(first.port, { ...trusted(), ...login, tls: 'starttls' }), MAIL, never);
    const second = await listen({ ...tls(), secure: true });
    await sendMail(config(second.port, { ...trusted(), ...login, tls: 'tls' }), MAIL, never);
    for (const { taken, users } of [first, second]) {
      expect(users).toEqual(['ckm']);
      expect(taken.map(({ isSecure }) => isSecure)).toEqual([true]);
      expect(taken[0]!.text).not.toContain('canary');
    }
  });

  test('is demanded: to a server that offers none, or has a certificate of nobody known, nothing is said', async () => {
    const login = { user: 'ckm', passwordFile: join(folder, 'password') };
    const unreachable = { code: 'NOTICE_MAIL_UNREACHABLE' };
    const plain = await listen({ disabledCommands: ['STARTTLS'] });
    await expect(
      sendMail(config(plain.port, { ...trusted(), ...login, tls: 'starttls' }), MAIL, never),
    ).rejects.toMatchObject(unreachable);
    const stranger = await listen(tls());
    await expect(
      sendMail(config(stranger.port, { ...login, host: 'localhost', tls: 'starttls' }), MAIL, never),
    ).rejects.toMatchObject(unreachable);
    expect([plain, stranger].flatMap(({ taken, users }) => [...taken, ...users])).toEqual([]);
  });

  test('with a wrong password is a login that failed, in whose error the password is not', async () => {
    writeFileSync(join(folder, 'wrong'), 'canary-that-is-wrong', { mode: 0o600 });
    const { port, taken } = await listen(tls());
    const login = { user: 'ckm', passwordFile: join(folder, 'wrong') };
    const failure = await sendMail(
      config(port, { ...trusted(), ...login, tls: 'starttls' }),
      MAIL,
      never,
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'NOTICE_MAIL_LOGIN' });
    expect((failure as Error).message).not.toContain('canary');
    expect(taken).toEqual([]);
  });

  test('is not begun with a password that others may read', async () => {
    writeFileSync(join(folder, 'open'), PASSWORD);
    // Not by `mode`: the process may have been told to give nothing to others.
    chmodSync(join(folder, 'open'), 0o644);
    const login = { user: 'ckm', passwordFile: join(folder, 'open') };
    await expect(sendMail(config(1, login), MAIL, never)).rejects.toMatchObject({ code: 'KEY_FILE_EXPOSED' });
  });
});
