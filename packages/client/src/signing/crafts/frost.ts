import { commitmentsIn, packCommitments, sharesIn } from '@ckm/api';
import { frostTasks } from '@ckm/requests';
import { roastReceive, roastWanting, startRoast } from '@ckm/threshold';
import type { ClientCraft, CraftJob } from './client-craft.js';

/** Signatures: servers give commitments before, and their shares are put together by ROAST. */
export function frostCraft({ key, request, pool }: CraftJob): ClientCraft {
  const tasks = frostTasks(request.tasks);
  const { length } = tasks;
  return {
    begin: (supply) => startRoast({ parent: key.public, tasks, supply }),
    take: roastReceive,
    wanting: roastWanting,
    signers: ({ attempts }) =>
      attempts.find(({ status, parties, answers }) => status === 'open' && answers.length === parties.length)
        ?.parties ?? [],
    isWarm: (slot) => pool.size(slot) >= length,
    draw: (slot) => pool.take([slot], length)?.get(slot) ?? null,
    want(slot, soon) {
      const asked = pool.ask(slot, soon ? length : 0);
      return { asked, wanted: asked === 0 ? null : { craft: 'frost', commitments: asked } };
    },
    receive(slot, reply, asked) {
      if (reply?.state === 'stale') pool.drop(slot);
      pool.add(slot, reply === null ? [] : commitmentsIn(reply), asked);
    },
    isShort: (reply) => commitmentsIn(reply).length < length,
    attempt: ({ parties, packages }, number) => ({
      craft: 'frost',
      number,
      signers: [...parties],
      commitments: packages.map(({ commitments }) => packCommitments(commitments)),
    }),
    partsIn: sharesIn,
    giveBack({ members }) {
      // Commitments that were handed to the coordinator and to nobody else are as good as new.
      for (const { party, status } of members)
        if (status.kind === 'ready') pool.add(party, status.commitments, 0);
    },
    drop: (slot) => pool.drop(slot),
    finish: request.finish,
    end: () => undefined,
  };
}
