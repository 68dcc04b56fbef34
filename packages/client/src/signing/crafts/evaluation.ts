import { hashTasks, openSealedPartial, recipientOf } from '@ckm/api';
import { BugError, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import type { EvaluationTask, Task } from '@ckm/requests';
import { derivedSecret, evaluationAt, groupNamed } from '@ckm/threshold';
import type { ClientCraft, CraftJob } from './client-craft.js';
import { beginEvaluation, goodParties, takeEvaluation, wantingParties } from './evaluate.js';

/**
 * What comes of a key at labels: each server answers by itself, sealed to a key that lives in this memory for that one attempt,
 * so that nobody who recorded all of it opens it later with what is on a disk.
 */
export function evaluationCraft({ context, key, request, requestId }: CraftJob): ClientCraft {
  const tasks = request.tasks.map(evaluationTask);
  const { keyId, public: certified, newest } = key;
  const inputs = tasks.map(({ input }) => input);
  const evaluation = evaluationAt(keyId, tasks[0]!.mode, inputs);
  const tasksHash = hashTasks(tasks);
  const recipients = new Map<string, Secret<Uint8Array>>();
  /** Parts that were opened, and what came of them. */
  const secrets: Uint8Array[] = [];
  const nameOf = (number: number, slot: number) => `${number}/${slot}`;
  return {
    begin: (supply) =>
      beginEvaluation(
        certified,
        evaluation,
        supply.map(({ party }) => party),
      ),
    take: (state, event) => takeEvaluation(evaluation, state, event),
    wanting: wantingParties,
    signers: goodParties,
    isWarm: () => true,
    draw: () => [],
    want: () => ({ wanted: null, asked: 0 }),
    receive: () => undefined,
    isShort: () => false,
    attempt(_action, number, slot) {
      const recipient = secret(context.random(32));
      recipients.set(nameOf(number, slot), recipient);
      return { craft: 'evaluation', number, points: tasks.length, recipient: recipientOf(recipient) };
    },
    partsIn({ answer }, number, slot) {
      const recipient = recipients.get(nameOf(number, slot));
      if (answer?.craft !== 'evaluation' || recipient === undefined) return [];
      const to = {
        keyId,
        transcriptHash: newest.transcriptHash,
        slot,
        requestId,
        tasksHash,
        attempt: number,
        recipient: recipientOf(recipient),
      };
      const partial = openSealedPartial(recipient, to, answer.sealed);
      if (partial === null) return [];
      const opened = reveal(partial, 'put a server’s part together with others');
      secrets.push(opened);
      return [opened];
    },
    giveBack: () => undefined,
    drop: () => undefined,
    finish(results) {
      const group = groupNamed('ristretto255');
      secrets.push(...results);
      const outputs = results.map((result, i) => ({
        craft: 'evaluation' as const,
        output: derivedSecret(keyId, inputs[i]!, group.decode(result)),
      }));
      return request.finishWith(outputs);
    },
    end() {
      for (const recipient of recipients.values()) wipe(recipient);
      recipients.clear();
      for (const each of secrets) each.fill(0);
    },
  };
}

function evaluationTask(task: Task): EvaluationTask {
  if (task.craft === 'evaluation') return task;
  throw new BugError('a request that is signed was to be evaluated', {
    code: 'CRAFT_FOREIGN',
    hint: 'report this together with the command that was run',
  });
}
