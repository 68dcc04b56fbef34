import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startAgent, type AgentKey, type RunningAgent } from './agent.js';
import { AgentFrames, MAX_AGENT_MESSAGE, parseAgentRequest } from './agent-wire.js';
import { field, signMessage } from '../test/agent-messages.js';

const run = promisify(execFile);

const blob = concatBytes(field(encodeUtf8('ssh-ed25519')), field(new Uint8Array(32).fill(7)));
const signRequest = (data: Uint8Array) => signMessage(blob, data);

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

const silent = { keys: [], onRefusal: () => undefined, onDenial: () => undefined };

describe('an agent on a socket', () => {
  let folder: string;
  let agent: RunningAgent;
  const refusals: unknown[] = [];
  const denials: string[] = [];
  const asked: Uint8Array[] = [];
  /** What signatures wait for. */
  let release: Promise<void> | undefined;
  const key: AgentKey = {
    blob,
    comment: 'laptop (2 of 3)',
    sign: async (data) => {
      asked.push(data);
      await release;
      if (data[0] === 0) throw new Error('policy says no');
      return encodeUtf8('signature');
    },
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ckm-agent-'));
    agent = await startAgent({
      socketPath: join(folder, 'agent.sock'),
      keys: [key],
      onRefusal: (_key, reason) => refusals.push(reason),
      onDenial: (what) => denials.push(what),
    });
  });
  afterEach(async () => {
    await agent.close();
    await rm(folder, { recursive: true, force: true });
    refusals.length = denials.length = asked.length = 0;
    release = undefined;
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

  test('a key it does not have, adding a key and an unknown message are answered with failure, and each is told', async () => {
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
    expect(denials).toEqual([
      expect.stringMatching(/^a program wanted a signature: the key SHA256:\S{43} is not offered here$/),
      'a program wanted to add a key, which this agent does not do: its keys are with your servers',
      'a program sent a request of an unknown kind (200)',
      'a program wanted the extension “query”, which this agent does not have',
    ]);
  });

  test('200 requests at once are all signed: none is turned away, and they take turns', async () => {
    let begin = () => {};
    release = new Promise((resolve) => (begin = resolve));
    const answers = Promise.all(Array.from({ length: 200 }, () => ask(signRequest(encodeUtf8('yes')))));
    await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(32));
    expect(asked).toHaveLength(32);
    begin();
    expect((await answers).every((answer) => answer[4] === 14)).toBe(true);
    expect(asked).toHaveLength(200);
  });

  test('nobody is asked for programs that have ended while they waited, and one that closed its half is served', async () => {
    let begin = () => {};
    release = new Promise((resolve) => (begin = resolve));
    const served = Array.from({ length: 32 }, () => ask(signRequest(encodeUtf8('yes'))));
    await vi.waitFor(() => expect(asked).toHaveLength(32));
    const message = field(signRequest(encodeUtf8('late')));
    const waiting = connect({ path: agent.socketPath, allowHalfOpen: true });
    waiting.end(message);
    for (let count = 0; count < 5; count++) {
      const gone = connect(agent.socketPath);
      await once(gone, 'connect');
      await new Promise<void>((resolve) => gone.write(message, () => resolve()));
      gone.destroy();
    }
    begin();
    const [answer] = (await once(waiting, 'data')) as [Buffer];
    expect(answer[4]).toBe(14);
    await Promise.all(served);
    await vi.waitFor(() => expect(denials).toHaveLength(5));
    expect(asked).toHaveLength(33);
    expect(new Set(denials)).toEqual(
      new Set(['a program that has ended wanted a signature of laptop (2 of 3): nobody was asked']),
    );
  });

  test('a program that asks is served however many others keep an idle connection, and a waiting one is not cut off', async () => {
    let begin = () => {};
    release = new Promise((resolve) => (begin = resolve));
    const waiting = ask(signRequest(encodeUtf8('yes')));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const idle: Socket[] = [];
    for (let count = 0; count < 600; count++) {
      const socket = connect(agent.socketPath).on('error', () => undefined);
      idle.push(socket);
      await once(socket, 'connect');
    }
    expect((await ask(Uint8Array.of(11)))[4]).toBe(12);
    begin();
    expect((await waiting)[4]).toBe(14);
    for (const socket of idle) socket.destroy();
  });

  test('a program that closes its half after asking gets its answers', async () => {
    const socket = connect({ path: agent.socketPath, allowHalfOpen: true });
    socket.end(concatBytes(field(Uint8Array.of(11)), field(signRequest(encodeUtf8('yes')))));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    const answers = new AgentFrames().push(Buffer.concat(chunks))!;
    expect(answers.map(([number]) => number)).toEqual([12, 14]);
  });

  test('what is no message ends the connection, and is told', async () => {
    const socket = connect(agent.socketPath);
    socket.write(Uint8Array.of(255, 255, 255, 255));
    await once(socket, 'close');
    expect(denials).toEqual(['something sent what is no message of an agent']);
  });

  test('a second agent on a living socket is refused, on a dead one it starts', async () => {
    const again = () => startAgent({ ...silent, socketPath: agent.socketPath });
    await expect(again()).rejects.toMatchObject({ code: 'AGENT_SOCKET_BUSY' });
    const path = join(folder, 'file');
    await writeFile(path, 'not a socket');
    await expect(startAgent({ ...silent, socketPath: path })).rejects.toMatchObject({
      code: 'AGENT_SOCKET_BUSY',
    });
    expect((await stat(path)).size).toBe(12);
  });
});
