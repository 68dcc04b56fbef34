import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
const shipped = packages
  .map((folder) => join(folder, 'src'))
  .filter((folder) => existsSync(folder))
  .flatMap(filesIn)
  .filter(
    (path) => /\.(ts|mjs|tsx)$/.test(path) && !/\.test\.ts$|\/(test|fixtures)\/|\/testkit\//.test(path),
  );

/** Code without its comments: those may talk about what code must not do. */
function codeOf(path: string): string {
  return readFileSync(path, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** What no shipped file may hold, and why. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  ['predictable randomness', /\bMath\s*\.\s*random\b|\bpseudoRandomBytes\b/],
  ['memory that somebody else used before', /\ballocUnsafe(Slow)?\b|new\s+SlowBuffer\b/],
  ['a secret as hex or base64', /\b(encodeHex|bytesToHex|btoa|encodeBase64|formatUr)\(\s*reveal\(/],
  ['a secret as text', /reveal\([^)]*\)\s*\.(toString|join|toJSON|toHex|toBase64)\(/],
  ['a secret inside a template', /\$\{\s*reveal\(/],
  ['a secret as JSON', /JSON\.stringify\(\s*reveal\(/],
  ['a comparison that stops early', /reveal\([^)]*\)\s*===|Buffer\.compare\(\s*reveal\(/],
  ['code out of text', /\beval\(|new\s+Function\(/],
  [
    'a secret from the command line or the environment',
    /process\.env\[?['".]*(CKM_)?(PASSPHRASE|SECRET|SEED)/i,
  ],
];

describe('V67: the source of every package', () => {
  test('every file of every package is read by these rules', () => {
    expect(shipped.length).toBeGreaterThan(150);
  });

  for (const [what, pattern] of FORBIDDEN) {
    test(`holds no ${what}`, () => {
      const found = shipped.filter((path) => pattern.test(codeOf(path)));
      expect(found.map((path) => relative(root, path))).toEqual([]);
    });
  }

  test('the search finds what it is to find', () => {
    const samples = [
      'Math.random()',
      'Buffer.allocUnsafe(3)',
      "encodeHex(reveal(share, 'x'))",
      "reveal(share, 'x').toString('hex')",
      "`${reveal(share, 'x')}`",
      "JSON.stringify(reveal(share, 'x'))",
      "reveal(share, 'x') === other",
      'eval(text)',
      'process.env.CKM_PASSPHRASE',
    ];
    expect(samples.map((sample, at) => FORBIDDEN[at]![1].test(sample))).toEqual(samples.map(() => true));
  });
});

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly scripts?: Record<string, string>;
}
interface Lock {
  readonly packages: Record<
    string,
    Manifest & {
      link?: boolean;
      resolved?: string;
      integrity?: string;
      hasInstallScript?: boolean;
      version?: string;
    }
  >;
}

const read = <T>(path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
const lock = read<Lock>('package-lock.json');
const manifests = ['package.json', ...packages.map((folder) => relative(root, join(folder, 'package.json')))];

describe('V69: what comes from outside', () => {
  test('is pinned to one version everywhere', () => {
    const loose = manifests.flatMap((path) => {
      const { dependencies, devDependencies, optionalDependencies } = read<Manifest>(path);
      const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
      return all
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name]) => `${path}: ${name}`);
    });
    expect(loose).toEqual([]);
    expect(manifests.length).toBeGreaterThan(8);
  });

  test('is what the lock file says, byte for byte', () => {
    const entries = Object.entries(lock.packages).filter(
      ([path, { link }]) => path.includes('node_modules/') && link !== true,
    );
    const unchecked = entries.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true);
    expect(entries.length).toBeGreaterThan(50);
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  test('comes from the registry alone: nothing from git, an address or a folder but our own', () => {
    const entries = Object.entries(lock.packages);
    const links = entries.filter(([, { link }]) => link === true).map(([, { resolved }]) => resolved);
    expect(new Set(links)).toEqual(new Set(packages.map((folder) => relative(root, folder))));
    // Without an address of its own a package is fetched from the registry in use, under its name and version.
    const elsewhere = entries.filter(
      ([path, { link, resolved, version }]) =>
        path.includes('node_modules/') &&
        link !== true &&
        (resolved !== undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? '')),
    );
    expect(elsewhere.map(([path]) => path)).toEqual([]);
    const wanted = entries.flatMap(([path, { dependencies, devDependencies, optionalDependencies }]) =>
      Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(
        ([name, range]) => ({ name: `${path}: ${name}`, range }),
      ),
    );
    expect(wanted.length).toBeGreaterThan(100);
    // Any other source than a range of versions has one of these signs in it.
    expect(wanted.filter(({ range }) => /[:/#]/.test(range))).toEqual([]);
  });

  test('is in the lock file as a whole: npm ci refuses one that lacks what somebody asks for', () => {
    const holders = (path: string): string[] => {
      const above = path.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '');
      return path === '' ? [''] : [path, ...holders(above === path ? '' : above)];
    };
    const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) =>
          holders(path).every((at) => lock.packages[join(at, 'node_modules', name)] === undefined),
        )
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('runs nothing when it is installed: scripts are off, and nothing is built', () => {
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
    const steps = ['steps', 'own-node'].map((name) =>
      readFileSync(join(root, `scripts/setup/${name}.mjs`), 'utf8'),
    );
    for (const step of steps) {
      expect(step).not.toContain('rebuild');
      expect(step).toMatch(/'ci',\s*'--ignore-scripts'/);
    }
  });

  test.each([22, 24, 26])(
    'a Node %i that set-up brings is pinned by hash, and runs nothing either',
    (line) => {
      const { packages: brought } = read<Lock>(`scripts/setup/node-${line}/package-lock.json`);
      const { optionalDependencies: asked } = read<Manifest>(`scripts/setup/node-${line}/package.json`);
      const entries = Object.entries(brought).filter(([path]) => path !== '');
      expect(Object.fromEntries(entries.map(([path, { version }]) => [path, version]))).toEqual(
        Object.fromEntries(
          Object.entries(asked ?? {}).map(([name, version]) => [`node_modules/${name}`, version]),
        ),
      );
      for (const [path, { version, integrity, resolved, hasInstallScript }] of entries) {
        expect(version, path).toMatch(new RegExp(`^${line}\\.\\d+\\.\\d+$`));
        expect(integrity, path).toMatch(/^sha512-/);
        expect([resolved, hasInstallScript], path).toEqual([undefined, undefined]);
      }
    },
  );

  test('would run only these scripts, which are known', () => {
    const scripted = Object.entries(lock.packages).filter(
      ([, { hasInstallScript }]) => hasInstallScript === true,
    );
    expect(scripted.map(([path]) => path.replace('node_modules/', '')).sort()).toEqual([
      '@blockchaincommons/crypto',
      '@blockchaincommons/dcbor',
      '@blockchaincommons/rand',
      '@blockchaincommons/shamir',
      '@blockchaincommons/sskr',
      '@blockchaincommons/uniform-resources',
      'secp256k1',
    ]);
  });

  test('our own packages run nothing at install either', () => {
    const hooks = manifests.flatMap((path) =>
      Object.keys(read<Manifest>(path).scripts ?? {})
        .filter((name) => /^(pre|post)?(install|prepare|publish)/.test(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(hooks).toEqual([]);
  });
});
