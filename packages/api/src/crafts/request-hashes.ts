import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import type { EvaluationTask, FrostTask, Task } from '@ckm/requests';
import { taggedHash } from '@ckm/threshold';

/** 32 bytes over what is asked for: a request id never stands for anything else, and votes name it. */
export function hashPayload(kind: string, payload: Uint8Array): Uint8Array {
  return taggedHash('CKM/request/payload/v1', encodeUtf8(kind), payload);
}

/** 32 bytes over everything there is to do: what people or an operator said yes to is what gets done, whoever reads it. */
export function hashTasks(tasks: readonly Task[]): Uint8Array {
  const items = tasks.flatMap((task) => [encodeUtf8(task.craft), ...itemsOf(task)]);
  return taggedHash('CKM/request/tasks/v1', ...items);
}

function itemsOf(task: Task): readonly Uint8Array[] {
  return task.craft === 'frost' ? frostTaskItems(task) : evaluationTaskItems(task);
}

/** What the key is evaluated at, and for what. */
function evaluationTaskItems({ mode, input }: EvaluationTask): readonly Uint8Array[] {
  return [encodeUtf8(mode), input];
}

/** What is signed, and with which derived key. */
function frostTaskItems({ message, tweak: { path, taproot } }: FrostTask): readonly Uint8Array[] {
  const root = taproot === null ? NOTHING : concatBytes(Uint8Array.of(1), taproot.merkleRoot ?? NOTHING);
  return [message, encodePath(path), root];
}

const NOTHING = new Uint8Array(0);

function encodePath(path: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * path.length);
  const view = new DataView(bytes.buffer);
  path.forEach((index, i) => view.setUint32(4 * i, index));
  return bytes;
}
