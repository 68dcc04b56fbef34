// Moved to `stored/`; goes when nobody imports it from here any more.
export {
  helpedSlots,
  isExported,
  type KeyHead,
  type KeyMarks,
  marksOf,
  openHead,
  openIfWhole,
} from './stored/key-head.js';
export {
  type FormerEpoch,
  noteHelped,
  noteMarks,
  noteTightened,
  rewindHead,
  withMarks,
} from './stored/note-marks.js';
export {
  isShareHere,
  type KeyEpoch,
  type KeySecrets,
  putBack,
  readEpoch,
  readKey,
  readSecrets,
  storedFrom,
} from './stored/read-key.js';
export { writeKey } from './stored/write-key.js';
