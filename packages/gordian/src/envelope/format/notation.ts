import { compareBytes, encodeUtf8 } from '@ckm/foundation';
import type { Envelope, NodeEnvelope } from '../envelope.js';
import { KNOWN } from '../known-values.js';
import { bareAssertion, leafItem, subjectOf } from '../queries.js';
import { knownValueText, summarise } from './summary.js';

/** A piece of output; a list is a group that sorts as one. Ranks decide the order of unlike pieces. */
type Piece = { readonly rank: 1 | 2 | 3 | 4; readonly text: string } | readonly Piece[];

const opening = (text: string): Piece => ({ rank: 1, text });
const closing = (text: string): Piece => ({ rank: 2, text });
const word = (text: string): Piece => ({ rank: 3, text });
const BREAK: Piece = { rank: 4, text: '' };

/**
 * Envelope notation over several lines, as Gordian tools print it:
 *
 *     "Alice" [
 *         "knows": "Bob"
 *     ]
 *
 * Source: bc-envelope-rust, src/format/notation.rs and its tests.
 */
export function formatEnvelope(envelope: Envelope): string {
  return layOut(flatten(piecesOf(envelope))).trim();
}

/** Envelope notation on one line. */
export function formatEnvelopeFlat(envelope: Envelope): string {
  // One after the other, without looking back at a line that may have grown to a mebibyte.
  const parts: string[] = [];
  let endsInSpace = false;
  const add = (text: string) => {
    parts.push(text);
    endsInSpace = text.endsWith(' ');
  };
  for (const { rank, text } of flatten(piecesOf(envelope))) {
    if (rank === 3) add(text);
    else if (rank === 4) add(endsInSpace ? `${parts.pop()!.trimEnd()}, ` : ', ');
    else add(`${endsInSpace ? '' : ' '}${text} `);
  }
  return parts.join('').trim();
}

function piecesOf(envelope: Envelope): Piece {
  switch (envelope.kind) {
    case 'leaf':
      return word(summarise(leafItem(envelope)));
    case 'knownValue':
      return word(knownValueText(envelope.value));
    case 'wrapped':
      return [opening('{'), piecesOf(envelope.envelope), closing('}')];
    case 'assertion':
      return [piecesOf(envelope.predicate), word(': '), piecesOf(envelope.object)];
    case 'node':
      return nodePieces(envelope);
    default:
      return word(envelope.kind.toUpperCase());
  }
}

function nodePieces(envelope: NodeEnvelope): Piece {
  const visible = envelope.assertions.filter((one) => one.kind === 'assertion' || one.kind === 'node');
  const lines = [
    ...visible.filter(isTypeAssertion).map(piecesOf).sort(comparePieces),
    ...visible
      .filter((one) => !isTypeAssertion(one))
      .map(piecesOf)
      .sort(comparePieces),
    ...(['compressed', 'elided', 'encrypted'] as const).flatMap((kind) => hiddenLine(envelope, kind)),
  ];
  const separated = lines.flatMap((line, i) => (i === 0 ? [line] : [BREAK, line]));
  const subject = piecesOf(envelope.subject);
  const isAboutAssertion = bareAssertion(envelope.subject) !== null;
  const framed = isAboutAssertion ? [opening('{'), subject, closing('}')] : [subject];
  return [...framed, opening('['), ...separated, closing(']')];
}

function isTypeAssertion(envelope: Envelope): boolean {
  const predicate = bareAssertion(envelope)?.predicate;
  const subject = predicate === undefined ? null : subjectOf(predicate);
  return subject?.kind === 'knownValue' && subject.value === KNOWN.isA;
}

function hiddenLine(envelope: NodeEnvelope, kind: Envelope['kind']): Piece[] {
  const count = envelope.assertions.filter((one) => one.kind === kind).length;
  if (count === 0) return [];
  return [word(count === 1 ? kind.toUpperCase() : `${kind.toUpperCase()} (${count})`)];
}

function comparePieces(a: Piece, b: Piece): number {
  const isListA = Array.isArray(a);
  const isListB = Array.isArray(b);
  if (isListA !== isListB) return isListA ? 1 : -1;
  if (!('rank' in a) && !('rank' in b)) return compareLists(a, b);
  const [left, right] = [a, b] as readonly { rank: number; text: string }[];
  return left!.rank - right!.rank || compareBytes(encodeUtf8(left!.text), encodeUtf8(right!.text));
}

function compareLists(a: readonly Piece[], b: readonly Piece[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = comparePieces(a[i]!, b[i]!);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

type FlatPiece = Exclude<Piece, readonly Piece[]>;

function flatten(piece: Piece): FlatPiece[] {
  return 'rank' in piece ? [piece] : piece.flatMap(flatten);
}

function layOut(pieces: readonly FlatPiece[]): string {
  const lines: string[] = [];
  let level = 0;
  let line = '';
  const endLine = () => {
    if (line !== '') lines.push('    '.repeat(level) + line);
    line = '';
  };
  for (let i = 0; i < pieces.length; i++) {
    const { rank, text } = pieces[i]!;
    if (rank === 3) line += text;
    else if (rank === 4) endLine();
    else if (rank === 1) {
      line += line === '' || line.endsWith(' ') ? text : ` ${text}`;
      endLine();
      level++;
    } else {
      endLine();
      level--;
      // `} [` stays on one line.
      const next = pieces[i + 1];
      if (next?.rank === 1) i++;
      lines.push('    '.repeat(level) + (next?.rank === 1 ? `${text} ${next.text}` : text));
      if (next?.rank === 1) level++;
    }
  }
  endLine();
  return lines.join('\n');
}
