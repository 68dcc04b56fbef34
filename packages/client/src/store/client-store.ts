/**
 * Where a client keeps what it must remember: pinned servers, keys, open sessions, unused commitments, evidence.
 * None of it is a secret, all of it must survive. Paths are segments of `a-z 0-9 . _ -` joined by `/`.
 */
export interface ClientStore {
  get(path: string): Promise<Uint8Array | null>;
  /** Atomic and durable: when it resolves, the bytes survive a power cut; before, the old ones do. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Durable like {@link ClientStore.put}. A path that is not there is no error. */
  delete(path: string): Promise<void>;
  /** Every path below a folder, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Runs `work` while nobody else, in any process, runs work of that name. */
  exclusive<T>(name: string, work: () => Promise<T>): Promise<T>;
}
