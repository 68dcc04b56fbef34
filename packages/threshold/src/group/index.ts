import { backends } from '#backends';
import { createNobleGroup } from './backends/noble.js';
import type { Group, GroupName } from './group.js';

export type {
  Agreement,
  BackendGrade,
  Element,
  Group,
  GroupName,
  Scalar,
  ScalarField,
  SecretScalar,
} from './group.js';

const fastest = new Map<GroupName, Group>();
const portable = new Map<GroupName, Group>();

/**
 * Loads what a backend only loads on demand. Whoever computes with secrets waits for it before the first group is used;
 * nothing is left to do where `#backends` has loaded everything already.
 */
export function prepareBackends(): Promise<void> {
  return backends.prepare();
}

/** The fastest backend available here, chosen once for each group. */
export function groupNamed(name: GroupName): Group {
  return remember(fastest, name, backends.createGroup[name]);
}

/** The portable backend, the same everywhere; the oracle in tests. Its elements are foreign to {@link groupNamed}'s. */
export function nobleGroup(name: GroupName): Group {
  return remember(portable, name, () => createNobleGroup(name));
}

function remember(known: Map<GroupName, Group>, name: GroupName, create: () => Group): Group {
  let group = known.get(name);
  if (group === undefined) {
    group = create();
    known.set(name, group);
  }
  return group;
}
