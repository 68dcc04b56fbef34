import { UsageError } from './errors.js';

/** The oldest Node that is tried: the same as in `engines` of every package. */
const FLOOR = '22.13';

/** @param version as in `process.versions.node` @throws UsageError `NODE_TOO_OLD` */
export function assertNodeIsNewEnough(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = FLOOR.split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new UsageError(`Node ${version} is too old: CKM needs ${FLOOR} or newer`, {
    code: 'NODE_TOO_OLD',
    hint: 'install a newer Node (24 is recommended), or use the one that set-up brought into a clone of CKM: node CLONE/scripts/with-node.mjs node PROGRAM',
  });
}
