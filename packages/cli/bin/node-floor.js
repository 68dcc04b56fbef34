// The oldest Node that CKM runs on. Read by every program before anything else: only what old Nodes understand.
export const FLOOR = '22.13';

/** Whether `version`, as in `process.versions.node`, is new enough. */
export function isNewEnough(version) {
  const parts = (text) => text.split('.').map(Number);
  const [major, minor] = parts(version);
  const [leastMajor, leastMinor] = parts(FLOOR);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
