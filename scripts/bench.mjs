// Measures CKM beside its peers in the same run. `--json`: one JSON object a line, nothing else on standard output.
// `--rust`: also beside ZF's FROST in Rust, which needs cargo. `--scaling`: only what docs/scaling.md is about.
// `--backup`: only the backup, and no page is written.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backupFigures } from './bench/backup.mjs';
import { dkgFigures, frostFigures } from './bench/threshold.mjs';
import { dearLoadFigures } from './bench/dear-load.mjs';
import { endToEnd } from './bench/end-to-end.mjs';
import { rustFigures } from './bench/rust.mjs';
import { openSeedFigures } from './bench/open-seed.mjs';
import { signCommandFigures } from './bench/sign-command.mjs';
import { writeReport } from './bench/report.mjs';
import { scaling } from './bench/scaling.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const json = process.argv.includes('--json');
const say = (text) => process.stderr.write(`bench: ${text}\n`);

if (process.argv.includes('--scaling')) {
  await scaling(root, say);
  process.exit();
}

const isBackupOnly = process.argv.includes('--backup');
const BACKUP = ['a backup of a server that signs', backupFigures];
const ALL = [
  ['FROST signature shares', frostFigures],
  ['key generation', dkgFigures],
  ['client and three servers', endToEnd],
  ['two owners at one server', dearLoadFigures],
  ...(process.argv.includes('--rust') ? [['the same steps in Rust', rustFigures]] : []),
  ['the sign command', signCommandFigures],
  ['status and sign with an open seed', openSeedFigures],
  BACKUP,
];
const figures = [];
for (const [what, measure] of isBackupOnly ? [BACKUP] : ALL) {
  say(what);
  for (const each of await measure(say)) {
    figures.push(each);
    const { name, ours, unit, peer, peerValue, ratio, goal, met } = each;
    if (json)
      process.stdout.write(`${JSON.stringify({ name, ours, unit, peer, peerValue, ratio, goal, met })}\n`);
    else
      process.stdout.write(
        `${name.padEnd(58)} ${`${ours} ${unit}`.padStart(16)}  ${ratio}×  ${met === null ? '' : met ? 'met' : 'MISSED'} ${goal ?? ''}\n`,
      );
  }
}
if (!isBackupOnly) {
  writeReport(root, figures);
  say('table and plots are in docs/benchmarks');
}
const missed = figures.filter(({ met }) => met === false);
if (missed.length > 0) say(`${missed.length} of ${figures.length} figures miss their goal`);
