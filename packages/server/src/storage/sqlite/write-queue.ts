import { storageError } from '../codes.js';

/** How the queue starts and ends a batch of writes on the one connection. */
export interface WriteQueueCommands {
  begin(): void;
  /** Written when it returns, durable after `sync`. */
  commit(): void;
  /** Puts what was committed on the disk. Nobody is told of a commit, and nobody reads it, before. */
  sync(): Promise<void>;
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackToSavepoint(): void;
}

/** Lets readers together, or one batch of writers, use the only connection. */
export interface WriteQueue {
  read<T>(work: () => Promise<T>): Promise<T>;
  write<T>(work: () => Promise<T>): Promise<T>;
  /** Refuses newcomers, and resolves when what was waiting is done. */
  close(): Promise<void>;
}

interface Job {
  readonly giveUp: NodeJS.Timeout;
  work(): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A job whose work is done; whoever waits for it is told when the commit is on the disk. */
interface Done {
  /** Whether it left anything in the transaction. */
  readonly wrote: boolean;
  tell(): void;
  /** Instead of `tell`, where what was committed may not be on the disk. */
  reject(why: unknown): void;
}

const MAX_BATCH = 64;

/**
 * Writes that come in one turn of the event loop are committed together: those behind another each in a savepoint of their
 * own, so that one that fails takes nothing else with it, and one fsync for all. None of them resolves before that commit is on the disk.
 * The process goes on meanwhile: what arrives while the disk works makes the next batch.
 *
 * @param waitMs after which a job that has not begun is refused with StorageError `STORAGE_BUSY`.
 */
export function createWriteQueue(commands: WriteQueueCommands, waitMs: number): WriteQueue {
  const writers: Job[] = [];
  const readers: Job[] = [];
  let reading = 0;
  let writing = false;
  let scheduled = false;
  let closed = false;
  let broken: { readonly why: unknown } | null = null;
  const whenIdle: (() => void)[] = [];

  function enqueue<T>(queue: Job[], work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = setTimeout(() => {
        queue.splice(queue.indexOf(job), 1);
        reject(busy());
      }, waitMs);
      giveUp.unref();
      const job: Job = { work, giveUp, resolve, reject };
      queue.push(job);
    });
  }

  function next(queue: Job[]): Job | undefined {
    const job = queue.shift();
    clearTimeout(job?.giveUp);
    return job;
  }

  async function readNow<T>(work: () => Promise<T>): Promise<T> {
    reading++;
    try {
      return await work();
    } finally {
      reading--;
      settle();
    }
  }

  /** A turn of the event loop: whatever else has arrived by now joins the batch. */
  function schedule(): void {
    if (scheduled || writing || reading > 0 || writers.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (reading === 0) void writeBatch();
    });
  }

  async function writeBatch(): Promise<void> {
    writing = true;
    const done = await commitBatch();
    if (done.some(({ wrote }) => wrote)) await commands.sync().catch(breakDown);
    for (const { tell, reject } of done) {
      if (broken === null) tell();
      else reject(broken.why);
    }
    writing = false;
    for (let job = next(readers); job !== undefined; job = next(readers)) {
      if (broken === null) readNow(job.work).then(job.resolve, job.reject);
      else job.reject(broken.why);
    }
    settle();
  }

  /** @returns what to tell whom; nothing when all of them were told that it failed */
  async function commitBatch(): Promise<readonly Done[]> {
    const jobs: Job[] = [];
    const done: Done[] = [];
    try {
      commands.begin();
      for (
        let job = next(writers);
        job !== undefined;
        job = jobs.length < MAX_BATCH ? next(writers) : undefined
      ) {
        jobs.push(job);
        done.push(await (done.some(({ wrote }) => wrote) ? runInSavepoint(job) : runAlone(job)));
      }
      commands.commit();
      return done;
    } catch (error) {
      commands.rollback();
      const first = jobs.length === 0 ? next(writers) : undefined;
      for (const job of first === undefined ? jobs : [first]) job.reject(error);
      return [];
    }
  }

  /**
   * What could not be put on the disk can be read all the same, and a second attempt may report success for pages that
   * the first one lost. So nothing is read or written any more by this process.
   */
  function breakDown(why: unknown): void {
    broken = { why };
    for (let job = next(writers); job !== undefined; job = next(writers)) job.reject(why);
  }

  /** Nobody has written before it: all that it would take along is its own. A savepoint costs a copy of every page. */
  async function runAlone(job: Job): Promise<Done> {
    try {
      const value = await job.work();
      return { wrote: true, tell: () => job.resolve(value), reject: (why) => job.reject(why) };
    } catch (error) {
      commands.rollback();
      commands.begin();
      return { wrote: false, tell: () => job.reject(error), reject: () => job.reject(error) };
    }
  }

  async function runInSavepoint(job: Job): Promise<Done> {
    commands.savepoint();
    try {
      const value = await job.work();
      commands.release();
      return { wrote: true, tell: () => job.resolve(value), reject: (why) => job.reject(why) };
    } catch (error) {
      commands.rollbackToSavepoint();
      return { wrote: false, tell: () => job.reject(error), reject: () => job.reject(error) };
    }
  }

  function settle(): void {
    schedule();
    if (writing || scheduled || reading > 0 || writers.length > 0) return;
    for (const resolve of whenIdle.splice(0)) resolve();
  }

  return {
    read: (work) => {
      if (closed) return Promise.reject(closedError());
      if (broken !== null) return Promise.reject(broken.why);
      return writing ? enqueue(readers, work) : readNow(work);
    },
    write: (work) => {
      if (closed) return Promise.reject(closedError());
      if (broken !== null) return Promise.reject(broken.why);
      const written = enqueue(writers, work);
      schedule();
      return written;
    },
    close: () => {
      closed = true;
      return new Promise<void>((resolve) => {
        whenIdle.push(resolve);
        settle();
      });
    },
  };
}

function busy() {
  return storageError('STORAGE_BUSY', 'the database is busy', 'try again in a moment', { retryable: true });
}

function closedError() {
  return storageError('STORAGE_CLOSED', 'the database is closed', 'start the server again');
}
