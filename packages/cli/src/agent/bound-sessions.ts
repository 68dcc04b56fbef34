import { CkmError, equalBytes } from '@ckm/foundation';
import { buildSshAgentRequest, sshFingerprint, sshKind, type SshRequest } from '@ckm/requests';
import type { SessionBinding } from './agent-wire.js';
import { checkHostSignature } from './host-signature.js';

/** Longest session id and most sessions of one connection. Source: OpenSSH, ssh-agent.c. */
const MAX_SESSION_ID = 128;
const MAX_SESSIONS = 16;

/** The sessions that one connection says it is used for. */
export interface BoundSessions {
  /** Takes a binding down. Why it is refused, for people; null: it holds. */
  bind(binding: SessionBinding): string | null;
  /** Why `data` may not be signed for this connection, for people; null: nothing speaks against it. */
  objectionTo(data: Uint8Array): string | null;
  /** The servers over which this connection was handed on, the nearest first; none: it was not. */
  hops(): readonly Hop[];
}

/** An SSH server to which an agent was handed on. */
export interface Hop {
  /** The fingerprint of its key: `SHA256:…`. */
  readonly server: string;
  /** False: its key is of a kind that cannot be checked here, so that anybody may have named it. */
  readonly isProven: boolean;
}

/**
 * Nobody has to bind a connection. Who does may lie neither about the server nor sign for another session afterwards; behind
 * a connection that was handed on there may be programs that bind nothing.
 * Source: OpenSSH PROTOCOL.agent §1; ssh-agent.c (`process_ext_session_bind`).
 */
export function createBoundSessions(): BoundSessions {
  const bound: SessionBinding[] = [];
  const hops: Hop[] = [];
  let hasLied = false;
  const noteHop = ({ hostKey, isForwarding }: SessionBinding, isProven: boolean) => {
    if (isForwarding && hops.length < MAX_SESSIONS) hops.push({ server: sshFingerprint(hostKey), isProven });
  };
  const reasonAgainst = (binding: SessionBinding): string | null => {
    const { hostKey, sessionId, signature } = binding;
    if (sessionId.length === 0 || sessionId.length > MAX_SESSION_ID)
      return 'its session id has a wrong length';
    const verdict = checkHostSignature(hostKey, signature, sessionId);
    if (verdict === 'unknown') {
      noteHop(binding, false);
      return 'the key of its server is of a kind that cannot be checked here';
    }
    if (verdict === 'false') {
      hasLied = true;
      return 'its server has not signed that session';
    }
    if (bound.some(({ isForwarding }) => !isForwarding)) return 'the connection is used for another session';
    const before = bound.find((one) => equalBytes(one.sessionId, sessionId));
    if (before !== undefined && !equalBytes(before.hostKey, hostKey))
      return 'that session is one of another server';
    if (before !== undefined) return null;
    if (bound.length >= MAX_SESSIONS)
      return `it is bound to ${MAX_SESSIONS} sessions, and no agent takes more`;
    bound.push(binding);
    noteHop(binding, true);
    return null;
  };
  return {
    bind: reasonAgainst,
    objectionTo: (data) => {
      if (hasLied) return 'the connection was bound to a session that its server has not signed';
      const last = bound.at(-1);
      const login = last === undefined || last.isForwarding ? null : loginIn(data);
      if (last === undefined || login === null) return null;
      const isItsOwn = equalBytes(login.sessionId, last.sessionId);
      const isItsServer = login.hostKey === null || equalBytes(login.hostKey.blob, last.hostKey);
      return isItsOwn && isItsServer ? null : 'the log-in is for another session than the connection';
    },
    hops: () => hops,
  };
}

/** Null: it is no log-in, or nothing that anybody signs. */
function loginIn(data: Uint8Array): Extract<SshRequest, { type: 'login' }> | null {
  try {
    const request = sshKind.parse(buildSshAgentRequest(data).payload);
    return request.type === 'login' ? request : null;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
