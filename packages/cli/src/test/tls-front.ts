import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export const NGINX = '/usr/sbin/nginx';
export const HAPROXY = '/usr/sbin/haproxy';
const DAY_MS = 86_400_000;

/** What a certificate says; `self`: it vouches for itself. */
interface Certificate {
  readonly name: string;
  readonly startsInDays?: number;
  readonly endsInDays?: number;
  readonly isSelfSigned?: true;
}

/** Certificates as servers show them, right ones and wrong ones. */
const CERTIFICATES = {
  right: { name: 'localhost' },
  expired: { name: 'localhost', startsInDays: -60, endsInDays: -2 },
  early: { name: 'localhost', startsInDays: 2, endsInDays: 60 },
  renamed: { name: 'other.example' },
  own: { name: 'localhost', isSelfSigned: true },
} as const satisfies Readonly<Record<string, Certificate>>;
type Kind = keyof typeof CERTIFICATES;

/** nginx in front of a server, on one port for each certificate. */
export interface TlsFront {
  /** Addresses that begin with https. */
  readonly urls: Readonly<Record<Kind, string>>;
  /** The file of the authority behind them. */
  readonly authority: string;
  fileOf(kind: Kind): string;
  keyOf(kind: Kind): string;
  stop(): Promise<void>;
}

/** @param target `host:port` of a server that speaks HTTP */
export async function startTlsFront(folder: string, target: string): Promise<TlsFront> {
  const at = (name: string) => join(folder, name);
  mkdirSync(at('new'));
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('ca.conf'), authorityConfig(folder));
  makeKey(folder, 'ca');
  openssl(
    folder,
    'req -new -x509 -config ca.conf -key ca.key -out ca.pem -days 90 -subj',
    '/CN=home authority',
  );
  const urls: Partial<Record<Kind, string>> = {};
  const blocks: string[] = [];
  for (const [kind, certificate] of Object.entries(CERTIFICATES) as [Kind, Certificate][]) {
    certify(folder, kind, certificate);
    const port = await freePort();
    urls[kind] = `https://localhost:${port}`;
    blocks.push(
      `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${kind}.pem; ssl_certificate_key ${kind}.key;
        location / { proxy_pass http://${target}; } }`,
    );
  }
  writeFileSync(at('nginx.conf'), nginxConfig(blocks));
  const args = ['-p', folder, '-e', at('error.log'), '-c', at('nginx.conf')];
  const stop = await launch(NGINX, args, Object.values(urls));
  return {
    urls: urls as Record<Kind, string>,
    authority: at('ca.pem'),
    fileOf: (kind) => at(`${kind}.pem`),
    keyOf: (kind) => at(`${kind}.key`),
    stop,
  };
}

/** HAProxy where nginx is in a {@link TlsFront}: the same certificates, on other ports. */
export async function startHaproxyFront(
  folder: string,
  front: TlsFront,
  target: string,
): Promise<Pick<TlsFront, 'urls' | 'stop'>> {
  const lines = ['defaults', '  mode http'];
  for (const span of ['connect 2s', 'client 30s', 'server 30s']) lines.push(`  timeout ${span}`);
  const urls: Partial<Record<Kind, string>> = {};
  for (const kind of Object.keys(CERTIFICATES) as Kind[]) {
    // Certificate and key in one file, as HAProxy wants them.
    const both = join(folder, `${kind}.both`);
    writeFileSync(
      both,
      `${readFileSync(front.fileOf(kind), 'utf8')}${readFileSync(front.keyOf(kind), 'utf8')}`,
    );
    const port = await freePort();
    urls[kind] = `https://localhost:${port}`;
    lines.push(`frontend ${kind}`, `  bind 127.0.0.1:${port} ssl crt ${both}`, '  default_backend server');
  }
  lines.push('backend server', `  server alpha ${target}`);
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const stop = await launch(HAPROXY, ['-db', '-f', file], Object.values(urls));
  return { urls: urls as Record<Kind, string>, stop };
}

/** @param urls where it listens when it is ready. @returns what ends it */
async function launch(
  program: string,
  args: readonly string[],
  urls: readonly string[],
): Promise<() => Promise<void>> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const url of urls) await untilListening(Number(new URL(url).port));
  return () => {
    child.kill('SIGTERM');
    return ended;
  };
}

function certify(folder: string, kind: string, certificate: Certificate): void {
  const { name, startsInDays = -1, endsInDays = 30, isSelfSigned } = certificate;
  makeKey(folder, kind);
  const subject = [`/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  if (isSelfSigned === true) {
    openssl(folder, `req -new -x509 -key ${kind}.key -out ${kind}.pem -days 30 -subj`, ...subject);
    return;
  }
  openssl(folder, `req -new -key ${kind}.key -out ${kind}.csr -subj`, ...subject);
  const dates = ['-startdate', dateOf(startsInDays), '-enddate', dateOf(endsInDays)];
  openssl(folder, `ca -batch -config ca.conf -notext -in ${kind}.csr -out ${kind}.pem`, ...dates);
}

function makeKey(folder: string, name: string): void {
  openssl(folder, `ecparam -name prime256v1 -genkey -noout -out ${name}.key`);
}

/** @param words split at spaces, then `more` as it stands */
function openssl(folder: string, words: string, ...more: readonly string[]): void {
  execFileSync('openssl', [...words.split(' '), ...more], { cwd: folder, stdio: 'ignore' });
}

/** `20261129130000Z` */
function dateOf(days: number): string {
  const moment = new Date(Date.now() + days * DAY_MS).toISOString();
  return `${moment.slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}

function authorityConfig(folder: string): string {
  return `[ca]
default_ca = home
[home]
dir = ${folder}
database = $dir/index.txt
new_certs_dir = $dir/new
rand_serial = yes
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical,CA:true
subjectKeyIdentifier = hash
`;
}

function nginxConfig(blocks: readonly string[]): string {
  return `daemon off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${blocks.join('\n  ')}
}
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** @throws Error after ten seconds without anybody */
async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isListening) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody listens on port ${port}`);
}
