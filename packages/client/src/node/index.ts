/**
 * The client for programs in Node: everything of `@ckm/client`, and what needs files. A folder that the command `ckm` made
 * holds `seed` (see {@link openSeedFile}) or `device` (see {@link openDevice}), and `store` (see {@link fileStore}); both may be used side by side with it.
 */
export * from '../index.js';
export { APPROVER_FILE_MAX_BYTES, openApprover, parseApproverFile, sealApprover } from './approver-file.js';
export { fileStore } from './file-store.js';
export { createSeedFile, openSeedFile } from './owner-seed-file.js';
export {
  DEVICE_FILE_MAX_BYTES,
  type DeviceHead,
  devicePrintOf,
  type DeviceStep,
  openDevice,
  readDeviceHead,
  sealDevice,
} from './device-file.js';
export { openSeed, parseSeedFile, sealSeed, SEED_FILE_MAX_BYTES } from './seed-file.js';
export {
  isErrno,
  makePrivateFolder,
  proveNew,
  proveReplaceable,
  removeDurably,
  writeAtomically,
  writeNew,
  writeNewAtomically,
} from './atomic-write.js';
export { storageErrorOf } from './storage-error.js';
