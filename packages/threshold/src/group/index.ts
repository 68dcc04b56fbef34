import { createNobleGroup } from './backends/noble.js';
import type { Group, GroupName } from './group.js';

export type { Element, Group, GroupName, Scalar, ScalarField, SecretScalar } from './group.js';

const portable = new Map<GroupName, Group>();

/** The portable backend, the same everywhere; the oracle in tests. */
export function nobleGroup(name: GroupName): Group {
  let group = portable.get(name);
  if (group === undefined) {
    group = createNobleGroup(name);
    portable.set(name, group);
  }
  return group;
}

/** The fastest backend available here, chosen once for each group. */
export function groupNamed(name: GroupName): Group {
  return nobleGroup(name);
}
