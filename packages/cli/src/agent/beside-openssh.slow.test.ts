import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { buildSshAgentRequest } from '@ckm/requests';
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  bindMessage,
  ecdsaHost,
  ed25519Host,
  field,
  type HostKey,
  loginData,
  onSecurityKey,
  rsaHost,
  signMessage,
} from '../test/agent-messages.js';
import { hasProgram } from '../test/programs.js';
import { scratchFolder } from '../test/scratch.js';
import { type RunningAgent, startAgent } from './agent.js';
import { AgentFrames } from './agent-wire.js';

const isHere = hasProgram('ssh-agent', '-?');
const COMMENT = 'laptop';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const rawOf = (text: string | undefined) => new Uint8Array(Buffer.from(text!, 'base64url'));
const publicBytes = rawOf(publicKey.export({ format: 'jwk' }).x);
const blob = concatBytes(field('ssh-ed25519'), field(publicBytes));
const scratch = scratchFolder();
const theirs = join(scratch.path, 'theirs');
const denials: string[] = [];
let process: ChildProcess;
let ours: RunningAgent;

beforeAll(async () => {
  if (!isHere) return;
  process = spawn('ssh-agent', ['-D', '-a', theirs], { stdio: 'ignore' });
  await vi.waitFor(async () => expect((await talk(theirs, [Uint8Array.of(11)]))[0]![0]).toBe(12), 10_000);
  const secret = concatBytes(rawOf(privateKey.export({ format: 'jwk' }).d), publicBytes);
  const add = concatBytes(Uint8Array.of(17), ...['ssh-ed25519', publicBytes, secret, COMMENT].map(field));
  expect(await talk(theirs, [add])).toEqual([Uint8Array.of(6)]);
  ours = await startAgent({
    socketPath: join(scratch.path, 'ours'),
    keys: [{ blob, comment: COMMENT, sign: signAsOpenssh }],
    onRefusal: () => undefined,
    onDenial: (what) => denials.push(what),
  });
});
afterAll(async () => {
  if (isHere) {
    await ours.close();
    process.kill();
    await once(process, 'close');
  }
  scratch.remove();
});

/** What the quorum does, with a key that is in one place. */
function signAsOpenssh(data: Uint8Array): Promise<Uint8Array> {
  buildSshAgentRequest(data);
  return Promise.resolve(concatBytes(field('ssh-ed25519'), field(sign(null, data, privateKey))));
}

/** Sends messages over one connection, each after the answer to the one before. */
async function talk(path: string, messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const socket = connect(path);
  const frames = new AgentFrames();
  const answers: Uint8Array[] = [];
  try {
    await once(socket, 'connect');
    for (const message of messages) {
      socket.write(field(message));
      const before = answers.length;
      while (answers.length === before) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        answers.push(...frames.push(chunk)!);
      }
    }
    return answers;
  } finally {
    socket.destroy();
  }
}

const both = async (messages: readonly Uint8Array[]) => ({
  ours: await talk(ours.socketPath, messages),
  theirs: await talk(theirs, messages),
});

const host = ed25519Host();
const session = new Uint8Array(randomBytes(32));
const bind = (key: HostKey, of = session, isForwarding = false) =>
  bindMessage(of, { blob: key.blob, signature: key.sign(of) }, isForwarding);
const login = signMessage(blob, loginData(session, host.blob, blob));
const sshsig = concatBytes(
  encodeUtf8('SSHSIG'),
  ...['file', '', 'sha512', new Uint8Array(randomBytes(64))].map(field),
);
const other = new Uint8Array(randomBytes(32));

describe.skipIf(!isHere)('beside OpenSSH’s own agent (needs ssh-agent)', () => {
  test.each<[string, readonly Uint8Array[], readonly number[]]>([
    ['a list of keys', [Uint8Array.of(11)], [12]],
    ['a log-in', [login], [14]],
    ['a signature of a file', [signMessage(blob, sshsig)], [14]],
    ['several on one connection', [login, Uint8Array.of(11), signMessage(blob, sshsig)], [14, 12, 14]],
    ['a key that is not there', [signMessage(host.blob, loginData(session, host.blob, blob))], [5]],
    ['a request that is cut', [login.subarray(0, -5)], [5]],
    ['an unknown request', [Uint8Array.of(200)], [5]],
    ['the list of SSH 1', [Uint8Array.of(1)], [5]],
    ['an unknown extension', [concatBytes(Uint8Array.of(27), field('nobody@example.org'))], [5]],
    ['a session of an Ed25519 server, and its log-in', [bind(host), login], [6, 14]],
    ['a session of an RSA server', [bind(rsaHost())], [6]],
    ['a session of a P-256 server', [bind(ecdsaHost(256))], [6]],
    ['a session of a P-384 server', [bind(ecdsaHost(384))], [6]],
    ['a session of a P-521 server', [bind(ecdsaHost(521))], [6]],
    ['a session of a server with a security key', [bind(onSecurityKey(host)), bind(host, other)], [6, 5]],
    ['a session of one with such a key on P-256', [bind(onSecurityKey(ecdsaHost(256)))], [6]],
    ['such a session that is false', [falseBind(onSecurityKey(host))], [5]],
    ['one that lacks the end of its signature', [bind(cutShort(onSecurityKey(host)))], [5]],
    ['a session handed on, and the one behind it', [bind(host, other, true), bind(host), login], [6, 6, 14]],
    ['a connection handed on 16 times, and once more', handedOn(17), [...Array<number>(16).fill(6), 5]],
    ['the same session handed on twice', [bind(host, other, true), bind(host, other, true)], [6, 6]],
    ['a second session where the first is no other’s', [bind(host), bind(host, other)], [6, 5]],
    ['a session of two servers', [bind(host, other, true), bind(ed25519Host(), other)], [6, 5]],
    ['a session that its server has not signed', [falseBind(host)], [5]],
    ['the same with RSA', [falseBind(rsaHost())], [5]],
    ['the same with ECDSA', [falseBind(ecdsaHost(256))], [5]],
  ])('%s is answered alike', async (_what, messages, kinds) => {
    const answers = await both(messages);
    expect(answers.ours).toEqual(answers.theirs);
    expect(answers.ours.map(([kind]) => kind)).toEqual(kinds);
  });

  test.each<[string, readonly Uint8Array[], readonly number[], RegExp]>([
    [
      'a log-in after a session that its server has not signed',
      [falseBind(host), login],
      [5, 5],
      /: the connection was bound to a session that its server has not signed$/,
    ],
    [
      'a log-in for another session than the connection is bound to',
      [bind(host, other), login],
      [6, 5],
      /: the log-in is for another session than the connection$/,
    ],
    [
      'a log-in at another server than the connection is bound to',
      [bind(ed25519Host()), login],
      [6, 5],
      /: the log-in is for another session than the connection$/,
    ],
  ])('%s is signed there and refused here, in words', async (_what, messages, kinds, words) => {
    denials.length = 0;
    const answers = await both(messages);
    expect(answers.ours.map(([kind]) => kind)).toEqual(kinds);
    expect(answers.theirs.at(-1)![0]).toBe(14);
    expect(denials.at(-1)).toMatch(words);
  });

  test.each([
    ['too long', bind(host, new Uint8Array(129))],
    ['empty', bind(host, new Uint8Array())],
    ['followed by something', concatBytes(bind(host), Uint8Array.of(0))],
  ])('a session that is %s is refused here, whatever OpenSSH’s agent says to it', async (_what, message) => {
    expect(await talk(ours.socketPath, [message])).toEqual([Uint8Array.of(5)]);
  });

  test('bytes that are neither a log-in nor a signature of SSH are signed there and refused here', async () => {
    const answers = await both([signMessage(blob, encodeUtf8('Pay the stranger'))]);
    expect([answers.ours[0]![0], answers.theirs[0]![0]]).toEqual([5, 14]);
  });
});

/** The session of another server each time, and each behind the one before. */
function handedOn(times: number): readonly Uint8Array[] {
  return Array.from({ length: times }, () => bind(host, new Uint8Array(randomBytes(32)), true));
}

function cutShort(key: HostKey): HostKey {
  return { blob: key.blob, sign: (data) => key.sign(data).slice(0, -1) };
}

function falseBind(key: HostKey): Uint8Array {
  return bindMessage(session, { blob: key.blob, signature: key.sign(other) });
}
