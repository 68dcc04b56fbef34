import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startAgent, type AgentKey, type RunningAgent } from './agent.js';
import { AgentFrames, MAX_AGENT_MESSAGE, parseAgentRequest } from './agent-wire.js';

const run = promisify(execFile);

function field(bytes: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return concatBytes(head, bytes);
}

const blob = concatBytes(field(encodeUtf8('ssh-ed25519')), field(new Uint8Array(32).fill(7)));
const signRequest = (data: Uint8Array) =>
  concatBytes(Uint8Array.of(13), field(blob), field(data), new Uint8Array(4));

describe('the agent protocol', () => {
  test('a request that is cut, too long or followed by something is nobody’s request, and never a throw', () => {
    const whole = signRequest(encodeUtf8('challenge'));
    for (let length = 0; length < whole.length; length++)
      expect(parseAgentRequest(whole.subarray(0, length)).type).toBe('other');
    expect(parseAgentRequest(concatBytes(whole, Uint8Array.of(0))).type).toBe('other');
    expect(parseAgentRequest(Uint8Array.of(11, 0)).type).toBe('other');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        expect(typeof parseAgentRequest(noise).type).toBe('string');
      }),
    );
  });

  test('messages are found however the stream is cut, and an announced giant ends it', () => {
    const stream = concatBytes(field(Uint8Array.of(11)), field(signRequest(encodeUtf8('x'))));
    for (let cut = 1; cut < stream.length; cut++) {
      const frames = new AgentFrames();
      const found = [...frames.push(stream.subarray(0, cut))!, ...frames.push(stream.subarray(cut))!];
      expect(found).toEqual([Uint8Array.of(11), signRequest(encodeUtf8('x'))]);
    }
    const giant = new Uint8Array(4);
    new DataView(giant.buffer).setUint32(0, MAX_AGENT_MESSAGE + 1);
    expect(new AgentFrames().push(giant)).toBeNull();
    expect(new AgentFrames().push(new Uint8Array(4))).toBeNull();
  });
});

describe('an agent on a socket', () => {
  let folder: string;
  let agent: RunningAgent;
  const refusals: unknown[] = [];
  const asked: Uint8Array[] = [];
  const key: AgentKey = {
    blob,
    comment: 'laptop (2 of 3)',
    sign: (data) => {
      asked.push(data);
      return data[0] === 0
        ? Promise.reject(new Error('policy says no'))
        : Promise.resolve(encodeUtf8('signature'));
    },
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ckm-agent-'));
    agent = await startAgent({
      socketPath: join(folder, 'agent.sock'),
      keys: [key],
      onRefusal: (_key, reason) => refusals.push(reason),
    });
  });
  afterEach(async () => {
    await agent.close();
    await rm(folder, { recursive: true, force: true });
    refusals.length = asked.length = 0;
  });

  const ask = (message: Uint8Array) =>
    new Promise<Uint8Array>((resolve, reject) => {
      const socket = connect(agent.socketPath, () => socket.write(field(message)));
      socket.once('data', (answer) => {
        socket.destroy();
        resolve(new Uint8Array(answer));
      });
      socket.once('error', reject);
    });

  test('OpenSSH’s own ssh-add lists the quorum’s key', async () => {
    const { stdout } = await run('ssh-add', ['-L'], {
      env: { ...process.env, SSH_AUTH_SOCK: agent.socketPath },
    });
    expect(stdout).toBe(`ssh-ed25519 ${Buffer.from(blob).toString('base64')} laptop (2 of 3)\n`);
  });

  test('only its owner can reach the socket', async () => {
    expect((await stat(agent.socketPath)).mode & 0o777).toBe(0o600);
  });

  test('signs with the key that is named, and says failure when the quorum says no', async () => {
    expect(await ask(signRequest(encodeUtf8('yes')))).toEqual(
      field(concatBytes(Uint8Array.of(14), field(encodeUtf8('signature')))),
    );
    expect(asked).toEqual([encodeUtf8('yes')]);
    expect(await ask(signRequest(Uint8Array.of(0)))).toEqual(field(Uint8Array.of(5)));
    expect(refusals).toHaveLength(1);
  });

  test('a key it does not have, adding a key and an unknown message are answered with failure', async () => {
    const stranger = concatBytes(
      Uint8Array.of(13),
      field(encodeUtf8('other')),
      field(encodeUtf8('x')),
      new Uint8Array(4),
    );
    for (const message of [
      stranger,
      Uint8Array.of(17),
      Uint8Array.of(200),
      concatBytes(Uint8Array.of(27), field(encodeUtf8('query'))),
    ])
      expect(await ask(message)).toEqual(field(Uint8Array.of(5)));
    expect(asked).toHaveLength(0);
  });

  test('a second agent on a living socket is refused, on a dead one it starts', async () => {
    const again = () => startAgent({ socketPath: agent.socketPath, keys: [], onRefusal: () => undefined });
    await expect(again()).rejects.toMatchObject({ code: 'AGENT_SOCKET_BUSY' });
    const path = join(folder, 'file');
    await writeFile(path, 'not a socket');
    await expect(
      startAgent({ socketPath: path, keys: [], onRefusal: () => undefined }),
    ).rejects.toMatchObject({
      code: 'AGENT_SOCKET_BUSY',
    });
    expect((await stat(path)).size).toBe(12);
  });
});
