import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fromProblem, type Problem } from '@ckm/api';
import { AvailabilityError } from '@ckm/foundation';
import { createFairQueue } from '../../turns/fair-queue.js';
import type { KeyOfRequest, RequestContent } from './read-payload.js';

/** What goes to a thread: nothing secret. */
export interface ReadJob {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly key: KeyOfRequest;
}

/** What comes back. */
export type ReadAnswer =
  | { readonly problem: null; readonly content: RequestContent }
  | { readonly problem: Problem; readonly content: null };

/** Reads large payloads off the event loop. */
export interface Reader {
  /**
   * @param account whose payload it is: accounts take turns
   * @throws as `readPayload`; AvailabilityError `REQUEST_READER_ENDED` when the thread ends or takes too long over it
   */
  read(account: string, job: ReadJob): Promise<RequestContent>;
  /** Ends the threads; whatever they were reading is refused. */
  close(): void;
}

export interface ReaderLimits {
  readonly threads: number;
  /** For one payload. */
  readonly mostMs: number;
}

/** One core is left to the event loop. */
const LIMITS: ReaderLimits = {
  threads: Math.max(1, Math.min(4, availableParallelism() - 1)),
  mostMs: 15_000,
};
const HEAP_MB = 256;

/**
 * Threads are started when the first large payload comes, and again after one has ended: what a payload does to its reader
 * is an answer to whoever sent it, and nothing to anybody else.
 */
export function createReader(limits: ReaderLimits = LIMITS, script: URL = scriptUrl()): Reader {
  const queue = createFairQueue({ inAll: limits.threads, forEach: limits.threads });
  const idle: Worker[] = [];
  const all = new Set<Worker>();

  function start(): Worker {
    const worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    worker.unref();
    all.add(worker);
    worker.once('exit', () => {
      all.delete(worker);
      const at = idle.indexOf(worker);
      if (at !== -1) idle.splice(at, 1);
    });
    // Whoever waits for it hears of it too; without a listener it would end the process.
    worker.on('error', () => undefined);
    return worker;
  }

  return {
    async read(account, job) {
      const leave = await queue.enter(account);
      const worker = idle.pop() ?? start();
      try {
        const answer = await ask(worker, job, limits.mostMs);
        idle.push(worker);
        if (answer.problem !== null) throw fromProblem(answer.problem);
        return answer.content;
      } finally {
        leave();
      }
    },
    close() {
      for (const worker of all) void worker.terminate();
      idle.length = 0;
    },
  };
}

/** One job at a time: the next message is its answer. */
function ask(worker: Worker, job: ReadJob, mostMs: number): Promise<ReadAnswer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => void worker.terminate(), mostMs);
    const onMessage = (answer: ReadAnswer) => {
      settle();
      resolve(answer);
    };
    const onExit = () => {
      settle();
      reject(readerEnded());
    };
    function settle(): void {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
    }
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(job);
  });
}

function readerEnded(): AvailabilityError {
  return new AvailabilityError('the request took too much to read and was given up', {
    code: 'REQUEST_READER_ENDED',
    hint: 'ask for less at once: fewer inputs and outputs',
    retryable: false,
  });
}

/** Threads run what was compiled, also where this file runs as it was written. */
function scriptUrl(): URL {
  const here = import.meta.url;
  return new URL(
    here.endsWith('.ts') ? '../../../dist/requests/reading/reading-thread.js' : './reading-thread.js',
    here,
  );
}
