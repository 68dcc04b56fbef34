// A throw-away sshd on loopback that knows one key: the quorum's.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run, startCkm, startProgram } from './programs.mjs';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path));

export const hasSshd = SSHD !== undefined;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export async function startSshd(folder, publicKeyLine) {
  const home = join(folder, 'sshd');
  mkdirSync(home);
  const port = await freePort();
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'host')]);
  writeFileSync(join(home, 'keys'), `${publicKeyLine}\n`, { mode: 0o600 });
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(home, 'host')}`,
    `AuthorizedKeysFile ${join(home, 'keys')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PidFile none',
    'LogLevel ERROR',
  ];
  writeFileSync(join(home, 'config'), `${settings.join('\n')}\n`);
  const sshd = startProgram(
    ...withPrivilegeFolder([SSHD, '-D', '-e', '-f', join(home, 'config'), '-o', 'LogLevel=INFO']),
    {
      ready: /Server listening[^\n]*\n/,
    },
  );
  await sshd.up;
  return { port, home, stop: () => stop(sshd) };
}

/** As root sshd wants /run/sshd; a mount of its own leaves the machine's alone. */
function withPrivilegeFolder(command) {
  if (process.getuid() !== 0 || existsSync('/run/sshd')) return [command[0], command.slice(1)];
  const words = command.map((word) => `'${word}'`).join(' ');
  return ['unshare', ['-m', 'sh', '-c', `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec ${words}`]];
}

export async function startAgent(folder, key, env) {
  const socket = join(folder, 'agent.sock');
  const agent = startCkm(['ssh-agent', '--key', key, '--socket', socket, '--no-input'], {
    env,
    ready: /agent\.sock/,
  });
  await agent.up;
  return { socket, stop: () => stop(agent) };
}

/** Logs in with nothing but the agent, and says what the shell on the other side answered. */
export async function logIn({ port, home }, socket) {
  const options = {
    UserKnownHostsFile: join(home, 'known'),
    StrictHostKeyChecking: 'accept-new',
    IdentityAgent: socket,
    PreferredAuthentications: 'publickey',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const user = userInfo().username;
  const { stdout } = await run('ssh', [
    '-F',
    '/dev/null',
    ...flags,
    '-p',
    String(port),
    `${user}@127.0.0.1`,
    'echo in as $(id -un)',
  ]);
  return stdout.trim();
}

async function stop({ child, ended }) {
  child.kill('SIGTERM');
  await ended;
}
