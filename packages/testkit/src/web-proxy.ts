import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { freePort, untilListening } from './ports.js';

const PROGRAMS = { nginx: '/usr/sbin/nginx', caddy: '/usr/bin/caddy' } as const;
const PAGE = join(import.meta.dirname, '../../../docs/operating.md');

export type WebProxyName = keyof typeof PROGRAMS;

/** Whether that proxy is on this machine; if not, a test that needs it is to be skipped, by name. */
export function isWebProxyHere(name: WebProxyName): boolean {
  return existsSync(PROGRAMS[name]);
}

/** nginx or Caddy on loopback in front of a server, or of replicas of one. */
export interface WebProxy {
  /** Where it listens, without a path. */
  readonly url: string;
  /** The certificate by which it is believed (PEM), where it speaks TLS. */
  readonly authority: string | null;
  stop(): Promise<void>;
}

export interface WebProxyOptions {
  /** The first words of the example in docs/operating.md, such as `nginx, at the root`. */
  readonly example: string;
  /** `host:port` of the server, or of each replica. */
  readonly backends: readonly string[];
  /** Further words of the example, and what stands for them here. */
  readonly changes?: Readonly<Record<string, string>>;
}

/** Starts a proxy with an example of docs/operating.md, of which only addresses and files are changed. */
export async function startWebProxy(name: WebProxyName, options: WebProxyOptions): Promise<WebProxy> {
  const folder = mkdtempSync(join(tmpdir(), `ckm-${name}-`));
  const port = await freePort();
  const file = join(folder, 'proxy.conf');
  const example = change(exampleOf(options.example), folder, options);
  const authority = authorityOf(example, folder);
  writeFileSync(file, (name === 'nginx' ? nginxFile : caddyFile)(example, port, folder));
  const args =
    name === 'nginx'
      ? ['-p', folder, '-e', join(folder, 'error.log'), '-c', file]
      : ['run', '--adapter', 'caddyfile', '--config', file];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  };
  const child = spawn(PROGRAMS[name], args, { stdio: 'ignore', env });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(port);
    if (authority !== null) await untilSecure(port);
  } catch (error) {
    await stop();
    throw error;
  }
  // A certificate is for a name.
  const url = authority === null ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return { url, authority, stop };
}

/** Caddy listens before it has made its certificate. @throws Error after ten seconds without one */
async function untilSecure(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isSecure = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
      socket.once('secureConnect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isSecure) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody speaks TLS on port ${port}`);
}

/** Lets this process believe one more certificate. Returns what takes that back. */
export function trust(authority: string): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, readFileSync(authority, 'utf8')]);
  return () => setDefaultCACertificates(before);
}

/** Caddy makes one for itself; nginx gets one that vouches for itself. Null where the example speaks no TLS. */
function authorityOf(example: string, folder: string): string | null {
  if (example.includes('tls internal')) return join(folder, 'pki/authorities/local/root.crt');
  if (!example.includes('ssl_certificate')) return null;
  const certificate = join(folder, 'alpha.pem');
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost';
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'alpha.key'), '-out', certificate];
  execFileSync('openssl', [...request.split(' '), ...names, ...files], { stdio: 'ignore' });
  return certificate;
}

/** The example that begins with that comment. @throws Error when the page has none */
function exampleOf(heading: string): string {
  const examples = readFileSync(PAGE, 'utf8')
    .split(/^```.*\n/m)
    .filter((block) => block.startsWith(`# ${heading}\n`) || block.startsWith(`# ${heading}:`));
  if (examples.length !== 1) throw new Error(`${PAGE} has ${examples.length} examples “${heading}”`);
  return examples[0]!;
}

function change(example: string, folder: string, { backends, changes = {} }: WebProxyOptions): string {
  const [one = '', two = ''] = backends;
  const all = {
    '127.0.0.1:8470': one,
    '10.0.0.1:8470': one,
    '10.0.0.2:8470': two,
    '/etc/ssl/': `${folder}/`,
    ...changes,
  };
  return Object.entries(all).reduce((text, [from, to]) => text.replaceAll(from, to), example);
}

/** What stands around the example in an nginx of its own, which needs no rights and ends with its one process. */
function nginxFile(example: string, port: number, folder: string): string {
  const isWhole = example.includes('server {');
  const whole = isWhole
    ? example.replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    : `server {\nlisten 127.0.0.1:${port};\n${example}}\n`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'events {}',
    'http {',
    'access_log off;',
    ...temporary.map((part) => `${part}_temp_path ${folder}/${part};`),
    whole,
    '}\n',
  ].join('\n');
}

/** Caddy without its own web interface, without port 80, and without telling the machine to trust its authority. */
function caddyFile(example: string, port: number, folder: string): string {
  const site = example.includes('tls internal') ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  return [
    '{',
    'admin off',
    'auto_https disable_redirects',
    'skip_install_trust',
    'default_bind 127.0.0.1',
    `storage file_system ${folder}`,
    '}',
    example.replace(/^(alpha\.example|example\.org) \{/m, `${site} {`),
  ].join('\n');
}
