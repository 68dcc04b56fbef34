// The manifest of a package as others get it: nothing in it points at what is not in the tarball.

/** What the bundle of the command leaves outside, and loads from beside it. */
const OUTSIDE_OF_THE_BUNDLE = ['better-sqlite3', 'pg', 'secp256k1', 'sodium-native', 'tiny-secp256k1'];

/**
 * @param manifest as it is committed
 * @param as `isProgram`: only its bundle and its commands are packed; `carried`: names and versions of packages inside the tarball;
 *   `repository`: its address, if known; `folder`: of the package in it; `versionOf` an installed package
 */
export function manifestOf(manifest, { isProgram, carried, repository, folder, versionOf }) {
  const {
    exports,
    imports,
    devDependencies: _devDependencies,
    dependencies,
    files: _files,
    ...rest
  } = manifest;
  return {
    ...rest,
    ...(repository === undefined ? {} : addressesOf(repository, folder)),
    ...(isProgram ? { exports: { './package.json': './package.json' } } : { exports: published(exports) }),
    ...(isProgram || imports === undefined ? {} : { imports: published(imports) }),
    files: isProgram ? ['bin', 'dist', 'CHANGELOG.md', 'NOTICE'] : ['dist', 'CHANGELOG.md'],
    dependencies: isProgram
      ? Object.fromEntries(OUTSIDE_OF_THE_BUNDLE.map((name) => [name, versionOf(name)]))
      : { ...dependencies, ...Object.fromEntries(carried) },
    ...(carried.length === 0 ? {} : { bundleDependencies: carried.map(([name]) => name) }),
    publishConfig: { access: 'public' },
  };
}

function addressesOf(repository, directory) {
  return {
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
    repository: { type: 'git', url: `git+${repository}.git`, directory },
  };
}

/** Without the conditions that only this repository sets, and without entries that are for tests. */
function published(entries) {
  const kept = Object.entries(entries).filter(([key]) => !/^ckm-|^\.\/test/.test(key));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, typeof value === 'string' ? value : published(value)]),
  );
}
