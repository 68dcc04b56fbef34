// noble's FROST, beside which signatures are measured.
import { schnorr_FROST } from '@noble/curves/secp256k1.js';
import { randomBytes } from 'node:crypto';
import { median } from './report.mjs';

/** The same signature with noble's FROST: one process, no network, no disk, no policy, no sealing. Milliseconds on the clock and of CPU. */
export function peerSignature() {
  const ids = [1, 2, 3].map((id) => schnorr_FROST.Identifier.fromNumber(id));
  const dealt = schnorr_FROST.trustedDealer({ min: 2, max: 3 }, ids);
  const times = [];
  const cpu = [];
  for (let i = 0; i < 12; i++) {
    const message = randomBytes(32);
    const begun = performance.now();
    const before = process.cpuUsage();
    const signers = ids.slice(0, 2).map((id) => ({ id, secret: dealt.secretShares[id] }));
    const commits = signers.map(({ secret: share }) => schnorr_FROST.commit(share));
    const list = commits.map(({ commitments }) => commitments);
    const shares = Object.fromEntries(
      signers.map(({ id, secret: share }, at) => [
        id,
        schnorr_FROST.signShare(share, dealt.public, commits[at].nonces, list, message),
      ]),
    );
    schnorr_FROST.aggregate(dealt.public, list, message, shares);
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
    times.push(performance.now() - begun);
  }
  return { ms: median(times), cpuMs: median(cpu) };
}
