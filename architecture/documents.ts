import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOMS } from './rooms.js';
import { filesBelow, ROOT, SOURCES } from './source.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
// What set-up lays beside the manifests is a copy of what is looked at here.
const pages = filesBelow('', /\.md$/).filter(
  (path) => !path.startsWith('docs/benchmarks/') && !/^packages\/[^/]+\/CHANGELOG\.md$/.test(path),
);

/** A number of the checklist, where it is cited: V9, V32a, N4, P12. */
const NUMBER = /\b(?:[VN]\d{1,2}[a-f]?|[PLS](?:[1-9]|1[0-4]))\b/g;
/** Only V and N stand for themselves in running text: P-256's neighbours and SSH's levels are written alike. */
const CITED = /\b[VN]\d{1,2}[a-f]?\b/g;

interface Row {
  readonly number: string;
  readonly meaning: string;
  readonly defended: string;
  readonly tested: string;
}

const rows: Row[] = [
  ...read('docs/checklist.md').matchAll(/^\| ([VNPLS]\d+[a-f]?) +\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm),
].map(([, number, meaning, defended, tested]) => ({
  number: number!,
  meaning: meaning!,
  defended: defended!,
  tested: tested!,
}));
const tests = SOURCES.filter(({ path }) => path.endsWith('.test.ts'));

/** Whether a test below a folder has a name that begins with this number, alone or among others. */
function isTestedBelow(folder: string, number: string): boolean {
  const name = new RegExp(`['"\`](?:[VNPLS]\\d+[a-f]?, )*${number}(?:, [VNPLS]\\d+[a-f]?)*: `);
  return tests.some(({ path, code }) => path.startsWith(`${folder}/`) && name.test(code));
}

describe('the checklist', () => {
  test('has every number once, in one line with a meaning', () => {
    expect(rows.length).toBeGreaterThan(100);
    const numbers = rows.map(({ number }) => number);
    expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
  });

  test('has every number that code, tests and documents use', () => {
    const known = new Set(rows.map(({ number }) => number));
    const unknown = [
      ...SOURCES.map(({ path, code }) => [path, code] as const),
      ...pages.map((path) => [path, read(path)] as const),
    ].flatMap(([path, text]) =>
      [...text.matchAll(CITED)]
        .filter(([number]) => !known.has(number))
        .map(([number]) => `${path} ${number}`),
    );
    expect([...new Set(unknown)]).toEqual([]);
  });

  test.each(rows)(
    '$number is defended where it says, and tested by its name where it says',
    ({ number, defended, tested }) => {
      const folder = /^`(packages\/[^`]+)`$/.exec(defended)?.[1];
      if (folder !== undefined) expect(existsSync(join(ROOT, folder)), folder).toBe(true);
      if (/^not (built yet|applicable): ./.test(tested)) return;
      const [, below, other] = /^`(packages\/[^`]+)`(?: → ([VNPLS]\d+[a-f]?))?$/.exec(tested) ?? [];
      expect(folder, 'a fault that is tested is defended somewhere').toBeDefined();
      expect(isTestedBelow(below!, other ?? number), `a test of ${other ?? number} below ${below}`).toBe(
        true,
      );
    },
  );

  test('is cited by number in names of tests only when the number stands in it', () => {
    const titles = tests.flatMap(({ code }) => [
      ...code.matchAll(/['"`]((?:[VNPLS]\d+[a-f]?, )*[VNPLS]\d+[a-f]?): /g),
    ]);
    const cited = new Set(titles.flatMap(([, list]) => list!.match(NUMBER) ?? []));
    const untested = rows
      .filter(({ tested }) => tested.startsWith('not built yet'))
      .map(({ number }) => number);
    expect(
      untested.filter((number) => cited.has(number)),
      'tested by now: say where',
    ).toEqual([]);
  });
});

describe('the table of what thieves get', () => {
  const numbersIn = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, number]) => number!);
  const tried = numbersIn(
    read('packages/client/src/people/thiefs-hour.long.test.ts'),
    /^ *test\('(T\d+: [^']+)', async/gm,
  );

  test('has a row for each test, and a test by the same words for each row', () => {
    const shown = [...read('docs/threat-model.md').matchAll(/^\| (T\d+) +\| ([^|]+?) +\|/gm)].map(
      ([, number, who]) => `${number}: ${who}`,
    );
    expect(shown.length).toBeGreaterThanOrEqual(10);
    expect(shown.toSorted()).toEqual(tried.toSorted());
  });
});

describe('the documents', () => {
  test('cite nothing outside the repository by name', () => {
    const OUTSIDE =
      /\b(protocols|design|architecture|people|house) notes?\b|(?<![-\w])(protocols|amendments|house|gordian|reach|models)\.md\b/i;
    const all = [
      ...SOURCES.map(({ path, code }) => [path, code] as const),
      ...pages.map((path) => [path, read(path)] as const),
    ];
    expect(
      all
        .filter(([, text]) => OUTSIDE.test(text))
        .map(([path, text]) => `${path}: ${OUTSIDE.exec(text)![0]}`),
    ).toEqual([]);
  });

  test('link to files that are there', () => {
    const broken = pages.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .filter(([, target]) => !existsSync(join(ROOT, dirname(path), target!)))
        .map(([, target]) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('show only examples that stand in a file which runs as a test', () => {
    const flat = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
    const shown = pages.flatMap((page) =>
      [...read(page).matchAll(/<!-- (\S+) -->\n+```[a-z]+\n([\s\S]*?)\n```/g)].map(([, source, code]) => ({
        page,
        source: source!,
        code: code!,
      })),
    );
    expect(shown.length).toBeGreaterThan(3);
    const others = shown.filter(({ source, code }) => !flat(read(source)).includes(flat(code)));
    expect(others.map(({ page, source }) => `${page} shows another ${source}`)).toEqual([]);
    const code = read('docs/sdk.md').match(/^```[a-z]+$/gm) ?? [];
    expect(code.length, 'code without a file it stands in').toBe(
      shown.filter(({ page }) => page === 'docs/sdk.md').length,
    );
  });

  test('list every decision, under the title it has', () => {
    const index = read('docs/adr/README.md');
    const decisions = filesBelow('docs/adr', /^\d{4}-.+\.md$/);
    const missing = decisions.filter((path) => {
      const [, number, title] = /^# ADR (\d{4}): (.+)$/m.exec(read(path)) ?? [];
      const name = path.slice('docs/adr/'.length);
      return (
        number !== name.slice(0, 4) ||
        !new RegExp(`\\[${number}\\]\\(${name}\\) *\\|`).test(index) ||
        !index.includes(title!)
      );
    });
    expect(missing).toEqual([]);
    const numbers = decisions.map((path) => path.slice('docs/adr/'.length, 'docs/adr/0000'.length));
    expect(
      numbers.filter((number, at) => numbers.indexOf(number) !== at),
      'a number for two decisions',
    ).toEqual([]);
  });

  test('have a page for every package', () => {
    const bare = Object.keys(ROOMS).filter((room) => !existsSync(join(ROOT, 'packages', room, 'README.md')));
    expect(bare).toEqual([]);
  });
});

describe('the map', () => {
  const places = [
    ...read('docs/map.md').matchAll(/`((?:packages|docs|architecture|scripts)\/[^`\s]+)`/g),
  ].map(([, path]) => path!);

  test('names files that are there', () => {
    expect(places.length).toBeGreaterThan(30);
    expect(places.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
