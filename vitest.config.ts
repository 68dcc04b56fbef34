import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { NameSkipped } from './architecture/name-skipped.js';

/**
 * The name of a test file says how it is run. `*.slow.test.ts` starts processes, databases or browsers, or takes more than two seconds
 * of a processor: `--mode fast` leaves it out. `*.long.test.ts` repeats what ends such a process at every step, loads it, installs it,
 * puts it on a rough machine, or follows a whole page: only `--mode long` runs it. `*.alone.test.ts` replaces modules, so that all have to
 * be read anew for it: the same lane. architecture.test.ts keeps these rules.
 */
const SLOW = /\.(slow|long)\.test\.ts$/;
const ALONE = /\.alone\.test\.ts$/;

/** One such test in a file of shorter ones: `{ tags: 'slow' }`, which `--tags-filter !slow` leaves out, and `{ tags: 'long' }`. */
const TAGS = [
  { name: 'slow', description: 'takes more than half a second by itself' },
  { name: 'long', description: 'plays a story again, on another terminal' },
];

/** The files of each lane. Stories hold long tests among slow ones. */
const FILES = {
  fast: {
    include: ['packages/*/src/**/*.test.ts', 'architecture.test.ts'],
    exclude: ['**/*.{slow,long}.test.ts'],
  },
  long: {
    include: ['packages/*/src/**/*.long.test.ts', 'packages/cli/src/transcripts/*.test.ts'],
    exclude: [],
  },
  whole: { include: ['packages/*/src/**/*.test.ts', 'architecture.test.ts'], exclude: ['**/*.long.test.ts'] },
};

/**
 * The long ones first, so that no worker is left alone with one at the end. Before them those with a worker of their own: a
 * worker that many files share ends where another kind of file comes between.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) =>
      ALONE.test(moduleId) ? 0 : SLOW.test(moduleId) ? 1 : 2;
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

/**
 * Node reads TypeScript by itself where it can, and Vite has to transform nothing; it is asked where a module is replaced, or
 * Node is older than 22.18.
 */
const NATIVE =
  process.features.typescript === 'strip'
    ? {
        experimental: { viteModuleRunner: false, nodeLoader: false },
        execArgv: ['--import', import.meta.resolve('./scripts/source-of-js.mjs')],
      }
    : {};

export default defineConfig(({ mode }) => {
  const files = mode === 'fast' ? FILES.fast : mode === 'long' ? FILES.long : FILES.whole;
  return {
    resolve: { conditions: ['ckm-source', 'node'] },
    ssr: { resolve: { conditions: ['ckm-source', 'node'] } },
    test: {
      testTimeout: 60_000,
      hookTimeout: 60_000,
      pool: 'forks',
      globalSetup: './scripts/tests-in-memory.ts',
      setupFiles: './scripts/bytes-are-equal.ts',
      sequence: { sequencer: LongestFirst },
      // No file leaves a spy, a variable of the environment or a global behind for the next one.
      restoreMocks: true,
      unstubEnvs: true,
      unstubGlobals: true,
      // The short lane leaves out by name; the whole one says what it could not run, and which judge is missing.
      reporters: [
        'default',
        ...(mode === 'fast' ? [] : [new NameSkipped(mode === 'long' ? 'long' : 'whole')]),
        ...(process.env['CKM_TEST_REPORT'] === undefined ? [] : (['json'] as const)),
      ],
      outputFile: { json: process.env['CKM_TEST_REPORT'] ?? '' },
      projects: [
        {
          // Modules keep no state here, so one worker reads each once and not once a file: a third of the time.
          extends: true,
          test: {
            name: 'together',
            tags: TAGS,
            include: files.include,
            exclude: ['**/*.alone.test.ts', ...files.exclude],
            isolate: false,
            ...NATIVE,
          },
        },
        {
          // Replaces modules, and therefore reads all of them anew.
          extends: true,
          test: {
            name: 'alone',
            tags: TAGS,
            include: ['packages/*/src/**/*.alone.test.ts'],
            exclude: mode === 'long' ? [] : ['**'],
          },
        },
      ],
    },
  };
});
