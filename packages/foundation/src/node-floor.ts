import { UsageError } from './errors.js';

/** The oldest Node that is tried: the same as in `engines` of every package. */
const FLOOR = '22.13';

/** @param version as in `process.versions.node` @throws UsageError `NODE_TOO_OLD` */
export function assertNodeIsNewEnough(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = FLOOR.split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  const details = {
    code: 'NODE_TOO_OLD',
    hint: 'install a newer Node (24 is recommended), or use the one that set-up brought into a clone of CKM: node CLONE/scripts/with-node.mjs node PROGRAM',
  };
  // Where nobody catches it Node shows the line that threw before what it says, unless that line has these words: what is needed comes first.
  throw new UsageError(`Node ${version} is too old: CKM needs ${FLOOR} or newer`, details); // node-do-not-add-exception-line
}
