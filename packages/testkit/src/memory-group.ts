import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A limit of the system on the memory of processes, as a container or a unit sets one. */
export interface MemoryGroup {
  /** What starts a program inside: it ends by executing what follows. */
  readonly under: readonly string[];
  /** The most that was in use at any moment. Bytes. */
  peak(): number;
  /** When no process is inside any more. */
  remove(): void;
}

/** Names of the files of the two forms of control groups. */
const FORMS = [
  { folder: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', processes: 'cgroup.procs' },
  {
    folder: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    processes: 'tasks',
  },
];

/** Null where this user may not make control groups with a limit on memory. */
export function limitMemory(name: string, bytes: number): MemoryGroup | null {
  for (const form of FORMS) {
    const folder = join(form.folder, `${name}-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    const remove = () => rmdirSync(folder);
    if (!existsSync(join(folder, form.limit))) {
      remove();
      continue;
    }
    writeFileSync(join(folder, form.limit), String(bytes));
    return {
      under: ['sh', '-c', `echo $$ > '${join(folder, form.processes)}' && exec "$@"`, '-'],
      peak: () => Number(readFileSync(join(folder, form.peak), 'utf8')),
      remove,
    };
  }
  return null;
}
