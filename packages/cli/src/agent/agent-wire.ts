import { concatBytes, encodeUtf8 } from '@ckm/foundation';

/** Longest request OpenSSH sends to an agent (256 KiB); more is not read. Source: OpenSSH, ssh-agent.c, AGENT_MAX_LEN. */
export const MAX_AGENT_MESSAGE = 262_144;

/** Message numbers. Source: draft-ietf-sshm-ssh-agent §5.1. */
const NUMBER = {
  failure: 5,
  success: 6,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  extension: 27,
} as const;

/** What OpenSSH wants of an agent. Whatever this agent does not do is `other`, and answered with a failure. */
export type AgentRequest =
  | { readonly type: 'identities' }
  | { readonly type: 'sign'; readonly keyBlob: Uint8Array; readonly data: Uint8Array }
  | ({ readonly type: 'bind' } & SessionBinding)
  | { readonly type: 'extension'; readonly name: string }
  /** `number`: of the message; null: it cannot be read. */
  | { readonly type: 'other'; readonly number: number | null };

/** What ssh(1) says of the session that it uses a connection for. Source: OpenSSH PROTOCOL.agent §1. */
export interface SessionBinding {
  /** SSH public key blob of the server. */
  readonly hostKey: Uint8Array;
  readonly sessionId: Uint8Array;
  /** SSH signature blob of the server over the session id. */
  readonly signature: Uint8Array;
  /** Whether the connection is handed on to that server, instead of being used to log in there. */
  readonly isForwarding: boolean;
}

const SESSION_BIND = 'session-bind@openssh.com';
const UNREADABLE = { type: 'other', number: null } as const;

/** One request without its length. Never throws: what cannot be read is `other`. */
export function parseAgentRequest(message: Uint8Array): AgentRequest {
  const fields = new FieldReader(message.subarray(1));
  switch (message[0]) {
    case NUMBER.requestIdentities:
      return fields.isAtEnd() ? { type: 'identities' } : UNREADABLE;
    case NUMBER.signRequest:
      return parseSignRequest(fields);
    case NUMBER.extension:
      return parseExtension(fields);
    default:
      return { type: 'other', number: message[0] ?? null };
  }
}

function parseSignRequest(fields: FieldReader): AgentRequest {
  const [keyBlob, data, flags] = [fields.string(), fields.string(), fields.take(4)];
  const isWhole = keyBlob !== null && data !== null && flags !== null && fields.isAtEnd();
  return isWhole ? { type: 'sign', keyBlob, data } : UNREADABLE;
}

function parseExtension(fields: FieldReader): AgentRequest {
  const named = fields.string();
  if (named === null) return UNREADABLE;
  const name = String.fromCharCode(...named.subarray(0, 64));
  if (name !== SESSION_BIND) return { type: 'extension', name };
  const [hostKey, sessionId, signature] = [fields.string(), fields.string(), fields.string()];
  const forwarding = fields.take(1);
  const isWhole = hostKey !== null && sessionId !== null && signature !== null && forwarding !== null;
  if (!isWhole || !fields.isAtEnd()) return UNREADABLE;
  return { type: 'bind', hostKey, sessionId, signature, isForwarding: forwarding[0] !== 0 };
}

export const AGENT_FAILURE = framed(Uint8Array.of(NUMBER.failure));
export const AGENT_SUCCESS = framed(Uint8Array.of(NUMBER.success));

/** The keys an agent offers: public key blob and comment of each. */
export function encodeIdentities(
  keys: readonly { readonly blob: Uint8Array; readonly comment: string }[],
): Uint8Array {
  const fields = keys.flatMap(({ blob, comment }) => [field(blob), field(encodeUtf8(comment))]);
  return framed(concatBytes(Uint8Array.of(NUMBER.identitiesAnswer), uint32(keys.length), ...fields));
}

/** `signature`: an SSH signature blob (algorithm name and signature). */
export function encodeSignature(signature: Uint8Array): Uint8Array {
  return framed(concatBytes(Uint8Array.of(NUMBER.signResponse), field(signature)));
}

/** Cuts a stream into messages. */
export class AgentFrames {
  private held: Uint8Array = new Uint8Array();

  /** Messages that became whole with `chunk`, or `null` when the peer announces more than an agent reads. */
  push(chunk: Uint8Array): Uint8Array[] | null {
    this.held = concatBytes(this.held, chunk);
    const messages: Uint8Array[] = [];
    while (this.held.length >= 4) {
      const length = new DataView(this.held.buffer, this.held.byteOffset).getUint32(0);
      if (length === 0 || length > MAX_AGENT_MESSAGE) return null;
      if (this.held.length < 4 + length) break;
      messages.push(this.held.slice(4, 4 + length));
      this.held = this.held.slice(4 + length);
    }
    return messages;
  }
}

/** Reads the fields of one message; `null` where there is less than announced. */
export class FieldReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(length: number): Uint8Array | null {
    if (this.at + length > this.bytes.length) return null;
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  string(): Uint8Array | null {
    const head = this.take(4);
    return head === null ? null : this.take(new DataView(head.buffer, head.byteOffset).getUint32(0));
  }

  isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function field(bytes: Uint8Array): Uint8Array {
  return concatBytes(uint32(bytes.length), bytes);
}

function framed(message: Uint8Array): Uint8Array {
  return field(message);
}
