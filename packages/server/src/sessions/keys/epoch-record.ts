// Moved to `stored/`; goes when nobody imports it from here any more.
export { type CertifiedEpoch, type EpochRecord, resultOf, wipeKey } from './stored/epoch-record.js';
