import { storageError } from '../codes.js';

/** How the lane starts and ends a batch of writes on the one connection. */
export interface LaneCommands {
  begin(): void;
  /** Durable when it returns. */
  commit(): void;
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackToSavepoint(): void;
}

interface Job {
  readonly writes: boolean;
  work(): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Lets one thing after the other use the only connection. */
export interface Lane {
  read<T>(work: () => Promise<T>): Promise<T>;
  write<T>(work: () => Promise<T>): Promise<T>;
  /** Refuses newcomers, and resolves when what was waiting is done. */
  close(): Promise<void>;
}

const MAX_BATCH = 64;

/**
 * Writes that wait together are committed together: each in a savepoint of its own, so that one that fails takes
 * nothing else with it, and one fsync for all. None of them resolves before that commit.
 *
 * @param waitMs after which a job that has not begun is refused with StorageError `STORAGE_BUSY`.
 */
export function createLane(commands: LaneCommands, waitMs: number): Lane {
  const waiting: Job[] = [];
  let running: Promise<void> | null = null;
  let closed = false;

  function enqueue<T>(writes: boolean, work: () => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(closedError());
    return new Promise<T>((resolve, reject) => {
      const job: Job = { writes, work, resolve: resolve as Job['resolve'], reject };
      waiting.push(job);
      if (running === null) running = drain();
      else giveUpAfter(job);
    });
  }

  function giveUpAfter(job: Job): void {
    setTimeout(() => {
      const at = waiting.indexOf(job);
      if (at < 0) return;
      waiting.splice(at, 1);
      job.reject(
        storageError('STORAGE_BUSY', 'the database is busy', 'try again in a moment', { retryable: true }),
      );
    }, waitMs).unref();
  }

  async function drain(): Promise<void> {
    // A turn of the microtask queue first: what arrives in the same moment joins the batch.
    await null;
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (job.writes) await writeBatch(job);
      else await job.work().then(job.resolve, job.reject);
    }
    // Set here, not in a callback: whoever comes between would wait for a lane that has stopped.
    running = null;
  }

  async function writeBatch(first: Job): Promise<void> {
    const done: (() => void)[] = [];
    const jobs: Job[] = [];
    try {
      commands.begin();
      for (let job: Job | undefined = first; job !== undefined; job = nextWrite(jobs.length)) {
        jobs.push(job);
        done.push(await runInSavepoint(job));
      }
      commands.commit();
    } catch (error) {
      commands.rollback();
      for (const job of jobs.length === 0 ? [first] : jobs) job.reject(error);
      return;
    }
    for (const settle of done) settle();
  }

  function nextWrite(soFar: number): Job | undefined {
    return soFar < MAX_BATCH && waiting[0]?.writes === true ? waiting.shift() : undefined;
  }

  async function runInSavepoint(job: Job): Promise<() => void> {
    commands.savepoint();
    try {
      const value = await job.work();
      commands.release();
      return () => job.resolve(value);
    } catch (error) {
      commands.rollbackToSavepoint();
      return () => job.reject(error);
    }
  }

  return {
    read: (work) => enqueue(false, work),
    write: (work) => enqueue(true, work),
    close: async () => {
      closed = true;
      while (running !== null) await running;
    },
  };
}

function closedError() {
  return storageError('STORAGE_CLOSED', 'the database is closed', 'start the server again');
}
