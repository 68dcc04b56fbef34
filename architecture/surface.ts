import { describe, expect, test } from 'vitest';
import { ROOMS } from './rooms.js';
import { resolveImport, SHIPPED, type SourceFile, SOURCES } from './source.js';

/** The names a file gives away, those of `export *` among them. */
function namesGivenBy(file: SourceFile): string[] {
  return file.exports.flatMap(({ name, from }) => {
    const source = from === null ? null : resolveImport(file, from.specifier);
    return name === '*' && source !== null ? namesGivenBy(source) : [name];
  });
}

/** Public, or chosen by a condition of the package's `imports`. */
const INDEX = /^packages\/[a-z]+\/src\/(node\/)?index\.ts$|-carrier\.ts$/;

/** What a package gives away beside its index, by the name of its snapshot. */
const OTHER_ENTRIES = {
  'client-node': 'packages/client/src/node/index.ts',
  'foundation-node': 'packages/foundation/src/node/index.ts',
};

/** `file name` of everything that somebody takes: other files, tests among them; passing a name on takes it too. */
function takenNames(): Set<string> {
  const taken = new Set<string>();
  for (const file of SOURCES) {
    for (const { specifier, names } of file.imports) {
      const source = resolveImport(file, specifier);
      if (source === null) continue;
      for (const name of names.includes('*') ? namesGivenBy(source) : names)
        taken.add(`${source.path} ${name}`);
    }
  }
  return taken;
}

describe('what a package gives away', () => {
  const indexes = Object.keys(ROOMS).map((room) => [room, `packages/${room}/src/index.ts`] as const);
  for (const [entry, index] of [...indexes, ...Object.entries(OTHER_ENTRIES)]) {
    test(`${entry}: a public name comes or goes on purpose only (then: npx vitest run architecture.test.ts -u)`, async () => {
      const file = SOURCES.find(({ path }) => path === index)!;
      const names = [...new Set(namesGivenBy(file))].sort();
      await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(`architecture/surface/${entry}.txt`);
    });
  }

  test('inside a package, every value that a file exports is taken by somebody', () => {
    const taken = takenNames();
    const unused = SHIPPED.filter(({ path }) => !INDEX.test(path)).flatMap((file) =>
      file.exports
        .filter(({ name, isType }) => name !== '*' && !isType && !taken.has(`${file.path} ${name}`))
        .map(({ name }) => `${file.path} ${name}`),
    );
    expect(unused).toEqual([]);
  });
});
