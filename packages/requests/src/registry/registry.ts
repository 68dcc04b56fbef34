import { bitcoinKind } from '../bitcoin/index.js';
import { drillKind } from '../drill/index.js';
import { gitKind } from '../git/index.js';
import { messageKind } from '../message/index.js';
import { sshKind } from '../ssh/index.js';
import { createRegistry, knownKind } from './create-registry.js';

/** Every kind of request this version knows: another one is a folder of its own, and a line here. */
const registry = createRegistry(
  [knownKind(messageKind), knownKind(bitcoinKind), knownKind(sshKind), knownKind(gitKind)],
  [knownKind(drillKind)],
);

export const REQUEST_KIND_NAMES = registry.names;
export const { kind: requestKind, purposeKinds, purposeSuite, purposeUsesChildren, publicForm } = registry;
