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
  | { readonly type: 'extension'; readonly name: string }
  | { readonly type: 'other' };

/** One request without its length. Never throws: what cannot be read is `other`. */
export function parseAgentRequest(message: Uint8Array): AgentRequest {
  const reader = new FieldReader(message.subarray(1));
  switch (message[0]) {
    case NUMBER.requestIdentities:
      return message.length === 1 ? { type: 'identities' } : { type: 'other' };
    case NUMBER.signRequest: {
      const [keyBlob, data] = [reader.string(), reader.string()];
      const flags = reader.take(4);
      const isWhole = flags !== null && reader.isAtEnd();
      return keyBlob === null || data === null || !isWhole
        ? { type: 'other' }
        : { type: 'sign', keyBlob, data };
    }
    case NUMBER.extension: {
      const name = reader.string();
      return name === null
        ? { type: 'other' }
        : { type: 'extension', name: String.fromCharCode(...name.subarray(0, 64)) };
    }
    default:
      return { type: 'other' };
  }
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
class FieldReader {
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
