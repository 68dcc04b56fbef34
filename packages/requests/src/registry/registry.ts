import { bitcoinKind } from '../bitcoin/index.js';
import { deriveKind } from '../derive/index.js';
import { drillKind } from '../drill/index.js';
import type { FactTypes } from '../facts.js';
import { gitKind } from '../git/index.js';
import { messageKind } from '../message/index.js';
import { sshKind } from '../ssh/index.js';
import { createRegistry, knownKind } from './create-registry.js';

/** Every kind of request this version knows: another one is a folder of its own, and a line here. */
const registry = createRegistry(
  [
    knownKind(messageKind),
    knownKind(bitcoinKind),
    knownKind(sshKind),
    knownKind(gitKind),
    knownKind(deriveKind),
  ],
  [knownKind(drillKind)],
);

export const REQUEST_KIND_NAMES = registry.names;
/** What requests of each kind say by their bytes, by kind. */
export const REQUEST_FACTS: Readonly<Record<string, FactTypes>> = Object.fromEntries(
  registry.names.map((name) => [name, registry.kind(name).factTypes]),
);
export const {
  kind: requestKind,
  purposeGivesSecrets,
  purposeKinds,
  purposeSuite,
  purposeUsesChildren,
  publicForm,
} = registry;
