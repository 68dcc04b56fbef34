/** What came back for a message. */
export type Carried =
  /** What the server sealed to us. */
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  /**
   * The server, or somebody on the way, did not take the message. Nothing of it is signed, so it is only a hint: `code` looks
   * like one of ours or is empty, `text` says for people how it was said, `receivedAt` what time it is there (UnixSeconds), where
   * that is said.
   */
  | {
      readonly kind: 'refusal';
      readonly code: string;
      readonly text: string;
      readonly receivedAt?: number;
    };

/** How one message is to be carried. */
export interface Delivery {
  /**
   * 32 hex digits, the same for all messages of one link: by them a proxy in front of replicas finds the one that made the
   * link's commitments. Random, so that they say nothing about anybody. A carrier without such proxies passes them over.
   */
  readonly route: string;
  /** How long to wait for an answer before it counts as lost. */
  readonly timeoutMs: number;
  /** As in {@link Carrier.introduce}. */
  readonly authority?: string | null;
}

/**
 * Brings messages to servers and their answers back: over HTTP, through a mailbox, in a folder. It is trusted with nothing:
 * what it carries is sealed and signed. It sends nothing twice by itself, because no server answers one message twice.
 */
export interface Carrier {
  /**
   * How long a message has to stay valid to arrive, in seconds, and its answer to come back; how far clocks may differ
   * included. A server takes no message that outlives its own limit (`messageLifetimeSeconds`).
   */
  readonly lifetimeSeconds: number;
  /**
   * An address in its one form. @throws UsageError `SERVER_URL_INVALID` when this carrier goes to no such address
   */
  parseAddress(text: string): string;
  /**
   * The identity card (JSON, UTF-8) of whoever is at an address.
   * @param authority certificates (PEM) of whoever vouches for the server on the way to it, besides those whom the machine knows;
   * a carrier that asks nobody to vouch, or cannot be told, passes it over
   * @throws AvailabilityError `SERVER_UNREACHABLE`, `SERVER_TIMEOUT`
   */
  introduce(address: string, timeoutMs: number, authority?: string | null): Promise<Uint8Array>;
  /**
   * Brings a message to an address and its answer back.
   * @throws AvailabilityError `SERVER_UNREACHABLE`, `SERVER_TIMEOUT`, `SERVER_CONNECTION_LOST`
   */
  ask(address: string, message: Uint8Array, delivery: Delivery): Promise<Carried>;
}
