import type { Reporter, TestModule } from 'vitest/node';

/** More than these are counted only. */
const MOST_NAMES = 40;
const REST = `npm run test:long runs what is left: servers killed at every step, loads, tarballs, standbys and proxies, pages for
operators, and every story on two more terminals.`;

/** In the names of tests that official vectors judge: they are no part of a clone. */
const OF_VECTORS = '(needs CKM_VECTORS)';
const WHERE_VECTORS =
  'CONTRIBUTING.md says where official vectors come from; then: CKM_VECTORS=FOLDER npm test';

/** What is run: everything but what has the tag `long`, or that alone. */
export type Lane = 'whole' | 'long';

/** Says at the end which tests of a lane did not run: an outside judge that is missing is in their names. */
export class NameSkipped implements Reporter {
  readonly #lane: Lane;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')]
        .filter(({ tags }) => tags.includes('long') === (this.#lane === 'long'))
        .map(({ fullName }) => `${module.relativeModuleId}: ${fullName}`),
    );
    const ofVectors = skipped.filter((name) => name.includes(OF_VECTORS));
    const others = skipped.filter((name) => !name.includes(OF_VECTORS));
    const names = others.slice(0, MOST_NAMES).map((name) => `  ${name}`);
    const more = others.length > MOST_NAMES ? [`  and ${others.length - MOST_NAMES} more`] : [];
    const title = skipped.length === 0 ? [] : [`${skipped.length} tests were skipped:`];
    const judged =
      ofVectors.length === 0 ? [] : [`  ${ofVectors.length} of them ${OF_VECTORS}: ${WHERE_VECTORS}`];
    const lines = [...title, ...names, ...more, ...judged, ...(this.#lane === 'whole' ? [REST] : [])];
    if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}
