import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch {
  readonly path: string;
  file(name: string, content: string | Uint8Array): string;
  remove(): void;
}

/** A folder for one test. */
export function scratchFolder(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'ckm-test-'));
  return {
    path,
    file: (name, content) => {
      const file = join(path, name);
      writeFileSync(file, content, { mode: 0o600 });
      return file;
    },
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Names, modes and contents of everything below a folder: equal before and after means nothing was changed. */
export function treeHash(root: string): string {
  const hash = createHash('sha256');
  const visit = (path: string, name: string) => {
    let stat;
    try {
      stat = statSync(path);
    } catch {
      hash.update(`${name} absent\n`);
      return;
    }
    hash.update(`${name} ${stat.mode.toString(8)}\n`);
    if (stat.isDirectory())
      for (const entry of readdirSync(path).sort()) visit(join(path, entry), `${name}/${entry}`);
    else if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stat.isFile()) hash.update(readFileSync(path));
  };
  visit(root, '.');
  return hash.digest('hex');
}
