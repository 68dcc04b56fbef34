// @module-tag long
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilListening } from '@ckm/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailConfig } from '../config/config.js';
import { sendMail } from './smtp.js';

const EXIM = '/usr/sbin/exim4';
const PASSWORD = 'canary-of-the-mailbox';
const missing = [
  ...(existsSync(EXIM) ? [] : ['no exim4']),
  ...(process.getuid?.() === 0 ? [] : ['exim4 keeps a configuration of its own from root alone']),
];
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;
const never = new AbortController().signal;

/** The mail server of a house: STARTTLS, nobody sends without a login, one mailbox. Source: exim 4.96, spec.txt. */
function configuration(folder: string, port: number): string {
  const at = (name: string) => join(folder, name);
  return [
    'primary_hostname = localhost',
    'keep_environment =',
    'exim_user = root',
    'exim_group = root',
    'never_users =',
    `spool_directory = ${at('spool')}`,
    `log_file_path = ${at('%slog')}`,
    `daemon_smtp_ports = ${port}`,
    'local_interfaces = 127.0.0.1',
    'tls_advertise_hosts = *',
    `tls_certificate = ${at('certificate.pem')}`,
    `tls_privatekey = ${at('key.pem')}`,
    'auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}',
    'acl_smtp_rcpt = who_and_whom',
    'begin acl',
    'who_and_whom:',
    '  deny !authenticated = *',
    '  accept local_parts = operator',
    '         domains = example.org',
    '  deny message = nobody of that name',
    'begin routers',
    'here:',
    '  driver = accept',
    '  transport = mailbox',
    'begin transports',
    'mailbox:',
    '  driver = appendfile',
    `  file = ${at('mail/box')}`,
    '  user = nobody',
    'begin authenticators',
    'plain:',
    '  driver = plaintext',
    '  public_name = PLAIN',
    `  server_condition = \${if and{{eq{$auth2}{ckm}}{eq{$auth3}{${PASSWORD}}}}}`,
    '  server_set_id = $auth2',
    '',
  ].join('\n');
}

describe.skipIf(missing.length > 0)(`mail by the mail server of Debian, exim4${reason}`, () => {
  let folder: string;
  let config: MailConfig;
  let daemon: ChildProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ckm-exim-'));
    mkdirSync(join(folder, 'spool'));
    mkdirSync(join(folder, 'mail'));
    // Exim writes no mailbox as root.
    chmodSync(folder, 0o711);
    chmodSync(join(folder, 'mail'), 0o777);
    makeCertificate(folder);
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    const port = await freePort();
    const file = join(folder, 'exim.conf');
    writeFileSync(file, configuration(folder, port));
    daemon = spawn(EXIM, ['-C', file, '-bdf', '-oP', join(folder, 'pid')], { stdio: 'ignore' });
    await untilListening(port);
    config = {
      host: 'localhost',
      port,
      tls: 'starttls',
      from: 'ckm@example.org',
      to: 'operator@example.org',
      user: 'ckm',
      passwordFile: join(folder, 'password'),
      caFile: join(folder, 'certificate.pem'),
    };
  }, 60_000);
  afterAll(async () => {
    if (daemon.exitCode === null) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill();
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const mail = (to = 'operator@example.org') => ({
    to,
    subject: 'CKM: a test of the way',
    text: 'One line.\n.\nAnother one, with a dot before it.\n',
  });
  const mailbox = () => {
    const file = join(folder, 'mail', 'box');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };

  test('is taken by STARTTLS and a login, and lies in the mailbox whole', async () => {
    await sendMail(config, mail(), never);
    await expect.poll(mailbox, { timeout: 30_000 }).toContain('Subject: CKM: a test of the way');
    expect(mailbox()).toContain('One line.\n.\nAnother one, with a dot before it.');
    const log = readFileSync(join(folder, 'mainlog'), 'utf8');
    expect(log).toMatch(/<= ckm@example\.org .*P=esmtpsa X=TLS1\.[23]/);
    expect(mailbox() + log).not.toContain(PASSWORD);
  });

  test('to nobody it knows is refused for good, with a wrong password the login is, and neither arrives', async () => {
    const before = mailbox();
    await expect(sendMail(config, mail('nobody@example.org'), never)).rejects.toMatchObject({
      code: 'OUTBOX_REFUSED',
    });
    writeFileSync(join(folder, 'wrong'), 'canary-that-is-wrong\n', { mode: 0o600 });
    const wrong = { ...config, passwordFile: join(folder, 'wrong') };
    await expect(sendMail(wrong, mail(), never)).rejects.toMatchObject({ code: 'NOTICE_MAIL_LOGIN' });
    expect(mailbox()).toBe(before);
  });

  test('is not begun where its certificate is of nobody known', async () => {
    await expect(sendMail({ ...config, caFile: null }, mail(), never)).rejects.toMatchObject({
      code: 'NOTICE_MAIL_UNREACHABLE',
    });
  });
});

function makeCertificate(folder: string): void {
  const wanted = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '3650'];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')];
  execFileSync('openssl', ['req', '-x509', ...made, ...out, ...wanted], { stdio: 'ignore' });
}
