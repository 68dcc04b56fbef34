/**
 * What each step costs in CPU time, from bytes to bytes: ours of the comparison with ZF's Rust (`npm run bench -- --rust`).
 * Needs a build: `npx tsc -b packages/threshold`, then `node packages/threshold/bench/steps.mjs`. One JSON object a line.
 */
import { randomBytes } from 'node:crypto';
import { aggregate, verifySignatureShare } from '@ckm/threshold';
import { createParties, generate } from './dkg-parties.mjs';
import { deal, ourSide } from './frost-key.mjs';

const BATCHES = 9;
const BATCH_MICROSECONDS = 12_000;
/** Until the engine has compiled what runs. */
const WARM_MICROSECONDS = 150_000;

function warmUp(run) {
  const start = process.cpuUsage();
  do run();
  while (process.cpuUsage(start).user < WARM_MICROSECONDS);
}

/** Microseconds of CPU for one run: the least of several batches. What else the machine does is not counted. */
function measure(run) {
  warmUp(run);
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = process.cpuUsage();
    let runs = 0;
    let took = 0;
    while (took < BATCH_MICROSECONDS) {
      run();
      runs++;
      const { user, system } = process.cpuUsage(start);
      took = user + system;
    }
    least = Math.min(least, took / runs);
  }
  return least;
}

/** Nonces are good for one share: made beforehand, as many as a batch needs. */
function measureOnce(prepare, run) {
  warmUp(() => run(prepare()));
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    const made = Array.from({ length: 40 }, prepare);
    const start = process.cpuUsage();
    for (const input of made) run(input);
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / made.length);
  }
  return least;
}

for (const suite of ['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256']) {
  for (const [needed, of] of [
    [2, 3],
    [7, 10],
  ]) {
    const report = (step, us) => console.log(JSON.stringify({ suite, step, needed, of, us }));
    const ours = ourSide(deal(suite, needed, of), randomBytes(32));
    report('commit', measure(ours.commit));
    report('signShare', measureOnce(ours.begin, ours.sign));
    const finished = ours.finishable();
    report(
      'aggregate',
      measure(() => aggregate(finished)),
    );
    const [{ party, share }] = finished.shares;
    report(
      'verifySignatureShare',
      measure(() => verifySignatureShare({ ...finished, party, share })),
    );
    const parties = createParties(suite, needed, of);
    report(
      'DKG',
      measure(() => generate(parties)),
    );
  }
}
