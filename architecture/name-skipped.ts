import type { Reporter, TestModule } from 'vitest/node';

/** More than these are counted only. */
const MOST_NAMES = 40;

/** Says at the end which tests did not run: an outside judge that is missing is in their names. */
export class NameSkipped implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map(
        ({ fullName }) => `${module.relativeModuleId}: ${fullName}`,
      ),
    );
    if (skipped.length === 0) return;
    const names = skipped.slice(0, MOST_NAMES).map((name) => `  ${name}`);
    const more = skipped.length > MOST_NAMES ? [`  and ${skipped.length - MOST_NAMES} more`] : [];
    process.stdout.write(`\n${[`${skipped.length} tests were skipped:`, ...names, ...more].join('\n')}\n`);
  }
}
