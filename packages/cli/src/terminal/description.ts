import type { CkmError } from '@ckm/foundation';
import type { Description, DescriptionRow } from '@ckm/requests';
import { plainText } from './plain-text.js';
import type { Terminal } from './terminal.js';
import { readableColumns, textWidth, wrapLines } from './wrap-text.js';

const INDENT = '  ';
const GAP = '  ';
/** Characters of one value that are shown: whoever writes a longer one must not push the rest off the screen. */
const MOST_SHOWN = 320;
/** Notes stand in one column behind values of at most this width; behind longer ones they get a line of their own. */
const WIDEST_BEFORE_NOTE = 40;

/**
 * What is signed, before anything else: the sentence, the table under it, and what should make one hesitate.
 * @param refusal why it is not signed: of what is refused because it cannot be described, the sentence has said that
 */
export function formatDescription(
  terminal: Pick<Terminal, 'style' | 'columns'>,
  { sentence, rows, warnings, blind }: Description,
  refusal: CkmError | null = null,
): string {
  const isBlindRefused = refusal?.code === 'POLICY_BLIND';
  const room = readableColumns(terminal.columns) - INDENT.length;
  const table = tableLines(
    rows.filter(({ value }) => !blind || !sentence.includes(value)),
    room,
  );
  return [
    '',
    ...wrapLines(plainText(sentence), room).map((line) => `${INDENT}${terminal.style('bold', line)}`),
    '',
    ...table.map((line) => `${INDENT}${line}`.trimEnd()),
    ...doubtLines(terminal, { warnings, blind }, room, isBlindRefused),
    '',
  ].join('\n');
}

/** What should make one hesitate, alone: for whoever has said yes and does not want to read the rest. Empty: nothing. */
export function formatDoubts(
  terminal: Pick<Terminal, 'style' | 'columns'>,
  description: Pick<Description, 'warnings' | 'blind'>,
): string {
  return doubtLines(terminal, description, readableColumns(terminal.columns) - INDENT.length).join('\n');
}

/** Blind signing is said once, and last: in red. */
function doubtLines(
  terminal: Pick<Terminal, 'style'>,
  { warnings, blind }: Pick<Description, 'warnings' | 'blind'>,
  room: number,
  isBlindRefused = false,
): string[] {
  const others = warnings.filter(({ code }) => !blind || code !== 'BLIND_SIGNING');
  return [
    ...others.flatMap(({ text }) => doubt(terminal, 'yellow', text, room)),
    ...(blind && !isBlindRefused ? doubt(terminal, 'red', BLIND_TEXT, room) : []),
  ];
}

const BLIND_TEXT = 'this content cannot be described: whoever made it decides what is signed (blind signing)';

function tableLines(rows: readonly DescriptionRow[], room: number): string[] {
  const labelWidth = Math.max(0, ...rows.map(({ label }) => label.length));
  const short = rows.map(({ value }) => textWidth(value)).filter((width) => width <= WIDEST_BEFORE_NOTE);
  const noteAt = Math.max(0, ...short);
  const margin = ' '.repeat(labelWidth + GAP.length);
  const left = room - margin.length;
  return rows.flatMap(({ label, value, note = '' }) => {
    const lines = wrapLines(cap(plainText(value)), left);
    const behind = padTo(lines[0]!, noteAt) + GAP + note;
    const isBehind = note !== '' && lines.length === 1 && textWidth(behind) <= left;
    const below = note === '' || isBehind ? [] : wrapLines(cap(plainText(note)), left - GAP.length);
    const [first, ...more] = isBehind ? [plainText(behind)] : lines;
    return [
      `${label.padEnd(labelWidth)}${GAP}${first!}`,
      ...more.map((line) => margin + line),
      ...below.map((line) => margin + GAP + line),
    ];
  });
}

/** Honest about what it leaves out: the rest is one command away. */
function cap(value: string): string {
  const characters = Array.from(value);
  const more = characters.length - MOST_SHOWN;
  if (more <= 0) return value;
  return `${characters.slice(0, MOST_SHOWN).join('')}… and ${more} more characters: see all with --preview --json`;
}

function doubt(
  { style }: Pick<Terminal, 'style'>,
  color: 'yellow' | 'red',
  text: string,
  room: number,
): string[] {
  const [first, ...more] = wrapLines(plainText(text), room - 2);
  return [`${INDENT}${style(color, '!')} ${first!}`, ...more.map((line) => `${INDENT}  ${line}`)];
}

function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}
