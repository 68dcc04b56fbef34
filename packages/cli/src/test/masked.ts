import { JOB_STEPS } from '@ckm/client';

/** What is another one each time that a story is played, in the order in which it is looked for. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  // A picture: all its lines, whatever they are painted with.
  [/^ {4}[ ░█]{0,20}$\n?/gm, ''],
  [/(?:^(?: +\d+ [a-z]{4}){3,4} *\n){10,}/gm, '   <46 words>\n'],
  [/(?:^(?: +\d+ [a-z]+){4} *\n)+/gm, '   <24 words>\n'],
  [/ur:sskr\/[a-z]{20,}/g, '<ur:sskr>'],
  [/\bset\s+[0-9a-f]{4}\b/g, 'set <digits>'],
  [/Words \d+ and \d+/g, 'Words <m> and <n>'],
  [/\((?:[a-z]+-){5}[a-z]+\s+[0-9a-f]{8}\)/g, '(<six words> <digits>)'],
  [/\s*(?<![a-z-])(?:[a-z]+-){5}[a-z]+\s+[0-9a-f]{8}\b */g, '   <six words>   <digits>  '],
  [/\s*(?<![a-z-])(?:[a-z]+-){5}[a-z]+\b */g, '   <six words>  '],
  [/\d{4}-\d\d-\d\d(?:T|\s+)\d\d:\d\d(?::\d\d)?(?:\s+UTC|Z)?/g, '<moment>'],
  [/\d{4}-\d\d-\d\d/g, '<day>'],
  [/\((?:now|(?:in\s+)?\d+\s+(?:ms|s|min|h|d)(?:\s+ago)?)\)/g, '(<time>)'],
  [/answers in\s+\d+\s+ms */g, 'answers in <ms>  '],
  [/[\d,]+ [MG]iB\b/g, '<size>'],
  [/\b\d+(?:\.\d)? KB\b/g, '<size>'],
  [/SHA256:[0-9A-Za-z+/]{43}/g, '<fingerprint>'],
  [/\b(message|bitcoin|ssh|git)-[a-z]+(?= {3}<six words>)/g, '$1-<word>'],
  [/(?<=ckm key compare )(message|bitcoin|ssh|git)-[a-z]+/g, '$1-<word>'],
  // Before addresses: one digest in four thousand begins with bc1.
  [/\b[0-9a-f]{128}\b/g, '<signature>'],
  [/\b[0-9a-f]{64}\b/g, '<64 digits>'],
  [/\b(?:bc1|tb1|bcrt1)[0-9a-z]{30,}\b/g, '<address>'],
  [/\bbc1[pq]?(?:\s+[0-9a-z]{1,4}\b){8,}/g, '<address in groups>'],
  [/tr\(\[[0-9a-f]{8}\]\S+#\w{8}/g, '<descriptor>'],
  [/\b(bc1[pq])[0-9a-z]{4}…[0-9a-z]{8}\b/g, '<address>'],
  [/\b(?:AAAA)[0-9A-Za-z+/=]{30,}/g, '<SSH key>'],
  [/(?:\b[0-9a-f]{4}\s+){15}[0-9a-f]{4}\b/g, '<64 digits in groups>'],
  [/\b[0-9a-f]{8}…[0-9a-f]{8}\b/g, '<first and last digits>'],
  [/\b[0-9a-f]{16}\b/g, '<16 digits>'],
  [/(?<![\w.])(?=[a-f]*\d)[0-9a-f]{8}\b/g, '<id>'],
  // Said only where it takes long.
  [
    /^ {2}(?:making its keys|writing|trying the passphrase|reading back|checking|restoring)(?: …| · .*)\n/gm,
    '',
  ],
  [/by\s+(?:alpha|bravo|charlie)\s+and\s+(?:alpha|bravo|charlie),\s+with/g, 'by <two of them>, with'],
  [/signed by\s+(?:alpha|bravo|charlie),\s+(?:alpha|bravo|charlie)/g, 'signed by <two of them>'],
];

const JOBS = [...Object.keys(JOB_STEPS), 'request'].join('|');
/** A line that changes in its place, or one for each step. Who of several was the first is a matter of chance. */
const PROGRESS = new RegExp(`(?:^ {2}(?:${JOBS})(?: (?:<id>|[a-f]{8}))? · .*\\n(?: {6}.*\\n)*)+`, 'gm');
/** Stand in the place of progress: of what went on when it was last told, and of what had come to its end. */
export const [BEGUN, ENDED] = ['  <progress>\n', '  <progress to its end>\n'];

/** Whether it is the last step, and nobody is waited for. */
function isEnded(line: string): boolean {
  const [, step, steps] = / · (\d+) of (\d+) · /.exec(line) ?? [];
  const [, have, all] = / · (\d+) of (\d+) ✓/.exec(line) ?? [];
  return step === steps && have === all && !line.includes('waiting');
}

/** A transcript with everything that is new each time named instead of shown. @param known exact texts first, as paths and addresses */
export function masked(text: string, known: readonly (readonly [string, string])[]): string {
  const named = known.reduce((so, [from, to]) => so.replaceAll(from, to), text);
  const calm = MASKS.reduce((so, [pattern, name]) => so.replace(pattern, name), named);
  const told = calm.replace(PROGRESS, (lines) => (isEnded(lines) ? ENDED : BEGUN));
  return inOrder(told).replace(/ +$/gm, '');
}

/** Servers that are shown as they answer, by name. */
function inOrder(text: string): string {
  return text.replace(ROWS, (rows) =>
    rows
      .split(/^(?= {2}\S)/m)
      .sort()
      .join(''),
  );
}

const ROWS = /(?:^ {2}(?:alpha|bravo|charlie) .*\n(?: {4}.*\n)*)+/gm;

/** A transcript whose lines are whole again: what is continued stands further in than anything that begins. */
export function unbroken(text: string): string {
  return text.replace(/\n {4,}(?=\S)/g, ' ').replace(/ +/g, ' ');
}

/** The words of a transcript in their order, however its lines are broken. */
export function wordsIn(text: string): readonly string[] {
  return text.split(/[\s│]+/).filter((word) => word !== '');
}
