import { parentPort } from 'node:worker_threads';
import { toProblem } from '@ckm/api';
import { readPayload } from './read-payload.js';
import type { ReadAnswer, ReadJob } from './reader.js';

/** The thread in which large payloads are read. It is given public bytes only: no secret ever comes here. */
parentPort?.on('message', ({ kind, payload, key }: ReadJob) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answer(() => readPayload(kind, payload)(key)));
});

function answer(read: () => Extract<ReadAnswer, { problem: null }>['content']): ReadAnswer {
  try {
    return { problem: null, content: read() };
  } catch (error) {
    return { problem: toProblem(error), content: null };
  }
}
