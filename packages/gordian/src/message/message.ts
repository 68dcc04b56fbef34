import type { PublicKeys, Xid } from '../identity/public-keys.js';

/** Everything about a message but its content; all of it is inside the signature. */
export interface MessageHeader {
  readonly sender: Xid;
  readonly recipient: Xid;
  /** 32 random bytes; a receiver remembers it until `expiresAt` and answers a repetition as before. */
  readonly id: Uint8Array;
  /** Unix seconds. */
  readonly date: number;
  /** Unix seconds, after `date`. */
  readonly expiresAt: number;
  /** The id of the request this message answers; absent in a request. */
  readonly inReplyTo?: Uint8Array;
}

/** A message whose signature was checked against keys that the receiver chose to trust for its sender. */
export interface Message {
  readonly header: MessageHeader;
  /** What is asked, or what was asked when this is the answer: `session.join`. 1–64 bytes of text. */
  readonly function: string;
  /** Deterministic CBOR of the parameters or of the result; its nesting has been measured, nothing else. */
  readonly body: Uint8Array;
}

/**
 * A message that was opened but whose sender is only claimed.
 * Turn it into a {@link Message} with `authenticateMessage`; nothing in it may be acted upon before.
 */
export interface UnauthenticatedMessage {
  readonly claimed: MessageHeader;
  readonly claimedFunction: string;
  /**
   * Keys the sender introduces itself with, or `null`. They are the inception keys of `claimed.sender`: the XID is
   * their hash, so nobody else can introduce themselves under it. Whether strangers are welcome is for the receiver.
   */
  readonly introduction: PublicKeys | null;
  /**
   * The key that the sender says to have signed with, where it is not the one that its XID is made from; else `null`. Anybody can name any: whether
   * it is a key of the sender, only a receiver that knows the sender can say.
   */
  readonly claimedKey: PublicKeys | null;
  /** Opaque; for `authenticateMessage`. */
  readonly sealed: SignedContent;
}

/** What the signature covers and the signature. */
export interface SignedContent {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array;
  /** How deep the body may nest; measured once the sender is known. */
  readonly maxDepth: number;
}

/** Whom a message is for: the XID that goes inside the signature, and the keys it is sealed to. */
export interface Correspondent {
  readonly xid: Xid;
  readonly publicKeys: PublicKeys;
}

/** Names this format inside the signature, so that no other signed envelope can pass for a message. */
export const MESSAGE_FORMAT = 'ckm/message/v1';

export const MESSAGE_ID_BYTES = 32;
