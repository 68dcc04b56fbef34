import type { Group, GroupName } from '../group.js';

/** What `#backends` offers: the package's `imports` map picks the file for Node or the one for every other place. */
export interface Backends {
  /** The fastest implementation of each group that could be loaded here. */
  readonly createGroup: Readonly<Record<GroupName, () => Group>>;
  readonly sha256: (message: Uint8Array) => Uint8Array;
  readonly sha512: (message: Uint8Array) => Uint8Array;
}
