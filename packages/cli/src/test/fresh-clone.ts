import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Outcome, runProgram, type Scratch, scratchFolder } from './run-ckm.js';

const ROOT = join(import.meta.dirname, '../../../..');

/** A clone of the repository in which nothing is set up: only what runs before and while it is. */
export interface FreshClone {
  readonly path: string;
  /** Writes a file that may be run, and its folders. @returns its path */
  put(name: string, lines: readonly string[]): string;
  /** Flags that make this Node say that it is another one. */
  pretend(what: { readonly node?: string; readonly arch?: string }): string[];
  run(program: string, args: readonly string[], path?: string): Promise<Outcome>;
  remove(): void;
}

const SCRIPTS = [
  'ckm',
  'ckm-git-sign',
  'scripts/setup.mjs',
  'scripts/setup',
  'scripts/with-node.mjs',
  'packages/cli/bin',
];

export function freshClone(): FreshClone {
  const scratch: Scratch = scratchFolder();
  const put = (name: string, lines: readonly string[]) => {
    const path = join(scratch.path, name);
    mkdirSync(dirname(path), { recursive: true });
    scratch.file(name, `${lines.join('\n')}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  for (const name of SCRIPTS)
    cpSync(join(ROOT, name), join(scratch.path, name), { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(scratch.path, 'packages/cli/src'));
  put('package.json', ['{ "type": "module" }']);
  return {
    path: scratch.path,
    put,
    pretend: ({ node, arch }) => {
      const lines = [
        ...(node === undefined
          ? []
          : [`Object.defineProperty(process.versions, 'node', { value: '${node}' });`]),
        ...(arch === undefined ? [] : [`Object.defineProperty(process, 'arch', { value: '${arch}' });`]),
      ];
      return ['--import', put('pretend.mjs', lines)];
    },
    run: (program, args, path = process.env['PATH']!) =>
      runProgram(program, args, { cwd: scratch.path, environment: { PATH: path } }),
    remove: scratch.remove,
  };
}
