import { type BackendGrade, groupNamed } from '../group/index.js';
import { groupOfSuite, SUITE_NAMES, type SuiteName } from './cocktail/suite-name.js';

/** What computes with the keys of one suite on this machine. */
export interface SuiteBackend {
  readonly suite: SuiteName;
  /** Name of the implementation: see `Group.backend`. */
  readonly backend: string;
  readonly grade: BackendGrade;
}

/** The backend of every suite, as chosen on this machine. */
export function suiteBackends(): readonly SuiteBackend[] {
  return SUITE_NAMES.map((suite) => {
    const { backend, grade } = groupNamed(groupOfSuite(suite));
    return { suite, backend, grade };
  });
}
