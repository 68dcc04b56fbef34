import { concatBytes } from '@ckm/foundation';
import { sshFingerprint } from '@ckm/requests';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ed25519Host, field, type HostKey, loginData, onSecurityKey } from '../test/agent-messages.js';
import { createBoundSessions } from './bound-sessions.js';

const sessionId = () => new Uint8Array(randomBytes(32));
const binding = (host: HostKey, isForwarding: boolean, of = sessionId()) => ({
  hostKey: host.blob,
  sessionId: of,
  signature: host.sign(of),
  isForwarding,
});
const user = ed25519Host().blob;

describe('the servers over which an agent was handed on', () => {
  test('are all named, from the nearest to the last, also one with a security key', () => {
    const sessions = createBoundSessions();
    const hosts = [ed25519Host(), onSecurityKey(ed25519Host()), ed25519Host()];
    for (const host of hosts) expect(sessions.bind(binding(host, true))).toBeNull();
    expect(sessions.bind(binding(ed25519Host(), false))).toBeNull();
    expect(sessions.hops()).toEqual(
      hosts.map(({ blob }) => ({ server: sshFingerprint(blob), isProven: true })),
    );
  });

  test('are named too where a key is of a kind that cannot be checked, which does not speak against a log-in', () => {
    const sessions = createBoundSessions();
    const host = { blob: concatBytes(field('ssh-new'), field('x')), sign: () => field('ssh-new') };
    expect(sessions.bind(binding(host, true))).toMatch(/cannot be checked here$/);
    expect(sessions.hops()).toEqual([{ server: sshFingerprint(host.blob), isProven: false }]);
    expect(sessions.objectionTo(loginData(sessionId(), ed25519Host().blob, user))).toBeNull();
  });

  test('are at most 16, and what is beyond them is refused in words', () => {
    const sessions = createBoundSessions();
    const host = ed25519Host();
    for (let count = 0; count < 16; count++) expect(sessions.bind(binding(host, true))).toBeNull();
    expect(sessions.bind(binding(host, false))).toBe('it is bound to 16 sessions, and no agent takes more');
    expect(sessions.hops()).toHaveLength(16);
  });
});

test.each(['constructor', '__proto__', 'sk-', 'ecdsa-sha2-'])(
  'a key of the kind %s is one of an unknown kind',
  (kind) => {
    const host = { blob: concatBytes(field(kind), field('x')), sign: () => field(kind) };
    expect(createBoundSessions().bind(binding(host, false))).toMatch(/cannot be checked here$/);
  },
);
