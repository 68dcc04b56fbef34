// Measures CKM beside its peers in the same run.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backupFigures } from './bench/backup.mjs';
import { dkgFigures, frostFigures, refreshFigures } from './bench/threshold.mjs';
import { dearLoadFigures } from './bench/dear-load.mjs';
import { endToEnd } from './bench/end-to-end.mjs';
import { refreshOverServersFigures } from './bench/refresh.mjs';
import { rustFigures } from './bench/rust.mjs';
import { manyKeysFigures } from './bench/many-keys.mjs';
import { peopleFigures } from './bench/people.mjs';
import { openSeedFigures } from './bench/open-seed.mjs';
import { signCommandFigures } from './bench/sign-command.mjs';
import { writeReport } from './bench/report.mjs';
import { scaling } from './bench/scaling.mjs';

const HELP = `npm run bench measures everything and writes the page under docs/benchmarks. Behind --, it takes
  --json      one JSON object a line, and nothing else on standard output
  --rust      beside ZF's FROST in Rust too, which needs cargo
  --scaling   only what docs/scaling.md is about
  --commands  only ckm status and ckm sign, from start to end; no page is written
  --backup    only a backup of 10,000 keys and its restore; no page is written
  --people    only people who are asked; no page is written
  --many      only new shares for 1,000 keys of one owner, which takes minutes; no page is written
`;
const flags = readFlags();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { json } = flags;
const say = (text) => process.stderr.write(`bench: ${text}\n`);

if (flags.scaling) {
  await scaling(root, say);
  process.exit();
}

const BACKUP = ['a backup of a server that signs, and its restore', backupFigures];
const PEOPLE = ['people who are asked', peopleFigures];
const COMMANDS = [
  ['the sign command', signCommandFigures],
  ['status and sign with an open seed', openSeedFigures],
];
const ALL = [
  ['FROST signature shares', frostFigures],
  ['key generation', dkgFigures],
  ['new shares of a key', refreshFigures],
  ['new shares over servers', refreshOverServersFigures],
  ['client and three servers', endToEnd],
  ['two owners at one server', dearLoadFigures],
  ...(flags.rust ? [['the same steps in Rust', rustFigures]] : []),
  PEOPLE,
  ...COMMANDS,
  BACKUP,
];
const MANY = ['new shares for 1,000 keys', manyKeysFigures];
const chosen = [
  ...(flags.commands ? COMMANDS : []),
  ...(flags.backup ? [BACKUP] : []),
  ...(flags.people ? [PEOPLE] : []),
  ...(flags.many ? [MANY] : []),
];
const figures = [];
for (const [what, measure] of chosen.length > 0 ? chosen : ALL) {
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
if (chosen.length === 0) {
  writeReport(root, figures);
  say('table and plots are in docs/benchmarks');
}
const missed = figures.filter(({ met }) => met === false);
if (missed.length > 0) say(`${missed.length} of ${figures.length} figures miss their goal`);

/** What the command line asks for; one that asks for something else, or for help, ends here. */
function readFlags() {
  const named = ['json', 'rust', 'scaling', 'commands', 'backup', 'people', 'many', 'help'];
  const options = Object.fromEntries(named.map((name) => [name, { type: 'boolean', default: false }]));
  const { values, problem } = parsed(options);
  if (problem === undefined && !values.help) return values;
  process.stderr.write(`${problem === undefined ? '' : `bench: ${problem}\n`}${HELP}`);
  return process.exit(problem === undefined ? 0 : 64);
}

function parsed(options) {
  try {
    return parseArgs({ options });
  } catch (error) {
    return { values: {}, problem: error.message };
  }
}
