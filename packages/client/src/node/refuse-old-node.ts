import { assertNodeIsNewEnough } from './node-floor.js';

// Imported before anything else: a newer part of an old Node would be missed in other words.
assertNodeIsNewEnough(process.versions.node);
