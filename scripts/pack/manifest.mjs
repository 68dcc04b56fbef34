// The manifest of a package as it is published: it says where it comes from, and nothing that only this repository uses.

/** @param repository its address, if known @param folder of the package in it */
export function publishedManifest(manifest, { repository, folder }) {
  const { exports, imports, devDependencies: _devDependencies, ...rest } = manifest;
  return {
    ...rest,
    ...(repository === undefined ? {} : addressesOf(repository, folder)),
    exports: published(exports),
    ...(imports === undefined ? {} : { imports: published(imports) }),
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
