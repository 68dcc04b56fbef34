// What of a package's own files goes into its tarball.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MAP_COMMENT = /^\/\/# sourceMappingURL=.*$\n?/gm;

/** A library as its modules; a program as its bundle and the files that start it. */
export function copyCompiled(from, to, isProgram) {
  if (isProgram) {
    for (const folder of ['bin', 'dist/bundle'])
      cpSync(join(from, folder), join(to, folder), { recursive: true });
    return;
  }
  // The bundle of the server is for tests that start it as a process of its own.
  const isLeftOut = (path) => /\.map$|\.tsbuildinfo$|\/dist\/bundle$/.test(path);
  cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true, filter: (path) => !isLeftOut(path) });
}

/** Comments that point at source maps, which stay here: their sources do too. */
export function removeTraces(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (path.endsWith('.map')) rmSync(path);
    if (!/\.([cm]?js|d\.[cm]?ts)$/.test(path)) continue;
    const text = readFileSync(path, 'utf8');
    const clean = text.replaceAll(MAP_COMMENT, '');
    if (clean !== text) writeFileSync(path, clean);
  }
}
