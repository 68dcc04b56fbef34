import type { ProgressEvent } from '@ckm/client';
import { plainText } from './plain-text.js';
import { textWidth } from './wrap-text.js';

/** On a narrower terminal the room is for who is awaited; the id is in `ckm sessions list`. */
const ROOMY_COLUMNS = 80;

/**
 * How far something is, in one line. What goes on, the number of its step and the words of that are there always; behind them
 * the names of those who are done and awaited, of those who are awaited, or how many are done: as much as fits.
 * @param columns of the terminal, of which the last one stays free
 */
export function progressLine(event: ProgressEvent, columns: number): string {
  const { job, id, round, of, have, waiting, text } = event;
  const isNamed = id !== '' && columns >= ROOMY_COLUMNS;
  const head = [isNamed ? `${job} ${id}` : job, ...(isRequest(event) ? [] : [`${round} of ${of}`]), text];
  const done = have.map((name) => `${name} ✓`).join(' ');
  const open = waitingText(event);
  const all = isRequest(event) ? of : have.length + waiting.length;
  const counted = all === 0 ? '' : `${have.length} of ${all} ✓`;
  const ways = waiting.length === 0 ? [[done], [counted]] : [[done, open], [open], [counted]];
  const lines = [...ways, []].map((who) => lineOf([...head, ...who]));
  return lines.find((line) => textWidth(line) < columns) ?? lines.at(-1)!.slice(0, columns - 1);
}

function lineOf(parts: readonly string[]): string {
  return plainText(`  ${parts.filter((part) => part !== '').join(' · ')}`);
}

/** Of a request `of` says how many have to sign, of everything else how many steps there are. */
function isRequest({ job }: ProgressEvent): boolean {
  return job === 'request';
}

/** Where more are asked than are needed, how many of them are awaited. */
function waitingText(event: ProgressEvent): string {
  const { of, have, waiting } = event;
  const names = waiting.join(', ');
  const left = isRequest(event) ? of - have.length : waiting.length;
  return left > 0 && left < waiting.length ? `waiting for ${left} of ${names}` : `waiting: ${names}`;
}
