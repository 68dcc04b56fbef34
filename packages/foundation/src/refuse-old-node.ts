import { assertNodeIsNewEnough } from './node-floor.js';

// Every package imports this one, so that each says it: a newer part of an old Node would be missed in other words.
// In a browser there is no Node.
const { process } = globalThis as { process?: { versions?: { node?: string } } };
if (process?.versions?.node !== undefined) assertNodeIsNewEnough(process.versions.node);
