import { formatSpan } from '@ckm/foundation';
import type { KnownTerms, ProposedAt, ProposedTerms, TermsChangePlan, TermsStandings } from '@ckm/client';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

/** What a change of terms is, whom it asks and how long it waits: before anything of it is sent. */
export function changeLines({ sentences, standings, ...plan }: TermsChangePlan): string[] {
  const silent = standings.servers.filter(({ verdict }) => verdict !== 'has').map(({ server }) => server);
  return [
    '',
    ...sentences.map((one, at) => `  ${(at === 0 ? 'Terms' : '').padEnd(8)}${one}`),
    `  Works   ${worksText(plan)}`,
    ...(plan.way === 'waits' ? [`  Asks    ${asksText(plan)}`] : []),
    ...(plan.wordsSeconds === null
      ? []
      : [
          `  Words   alone they do it after ${formatSpan(plan.wordsSeconds)}, if nobody who has a say says no`,
        ]),
    ...(silent.length === 0
      ? []
      : [`  Without ${silent.join(', ')}: told when they answer, by the same command`]),
    '',
  ];
}

function worksText({ way, delaySeconds }: Pick<TermsChangePlan, 'way' | 'delaySeconds'>): string {
  if (way === 'atOnce') return 'at once, at each server that hears of it';
  if (delaySeconds === 0) return 'as soon as those have said yes';
  return `at each server ${formatSpan(delaySeconds)} after it has heard of it; any device of yours stops it until then`;
}

function asksText({ needed, of }: Pick<TermsChangePlan, 'needed' | 'of'>): string {
  if (needed === 0) return of.length === 0 ? 'nobody' : `nobody; ${of.join(', ')} may say no`;
  return `${of.length === 1 ? of.join('') : `${needed} of ${of.join(', ')}`}; who is taken out has no say`;
}

/** Where a change is, server by server, and whether it is in force. */
export function proposedText(proposed: ProposedTerms): string {
  const { name, version, servers, binding, isInForce } = proposed;
  const have = servers.filter(({ verdict }) => verdict === 'inForce').length;
  const head = isInForce
    ? `terms ${version} of ${name} are in force: ${have} of ${servers.length} servers have them`
    : `terms ${version} of ${name} are NOT in force yet: ${have} of ${servers.length} servers have them, and it takes ${binding}`;
  return [head, formatTable(servers.map((one) => [`  ${one.server}`, proposedAtText(one)]))].join('\n');
}

function proposedAtText({ verdict, missing, readyAt, text, code }: ProposedAt): string {
  if (verdict === 'inForce') return 'has them in force';
  if (verdict === 'waits') return waitText(missing, readyAt);
  return `${plainText(text)}${code === null ? '' : ` (${code})`}`;
}

/** What a change waits for at one server. */
function waitText(missing: number, readyAt: number | null): string {
  const people = missing === 0 ? [] : [`for ${missing} more to say yes`];
  const time = readyAt === null ? [] : [`until ${formatInstant(readyAt, unixNow())}`];
  return `waits ${[...people, ...time].join(', and ') || 'for somebody'}`;
}

/** The newest terms that as many servers have as it takes; where none are known to be, those that were certified. */
export function termsInForce({ history }: TermsStandings): KnownTerms {
  return (history.findLast(({ isInForce }) => isInForce) ?? history[0]!).terms;
}

/** Which terms each server has, where they are not all the same or something waits. */
export function standingLines(standings: TermsStandings): string[] {
  const { servers, history, waiting, binding, isTwice } = standings;
  const newest = history.at(-1)!;
  const { version } = newest.terms;
  if (newest.have.length === 0) return ['  no server says what it has: these were certified'];
  const head = newest.isInForce
    ? `in force: ${newest.have.length} of ${servers.length} servers have terms ${version}`
    : `NOT in force yet: ${newest.have.length} of ${servers.length} servers have terms ${version}, and it takes ${binding}`;
  const others = servers
    .filter(({ verdict, version: has }) => verdict !== 'has' || has !== version)
    .map(({ server, verdict, version: has, text }) => [
      `    ${server}`,
      verdict === 'has' ? `has terms ${has}` : plainText(text),
    ]);
  const waits = waiting.flatMap(({ terms, at }) => [
    `  terms ${terms.version} wait`,
    formatTable(at.map(({ server, missing, readyAt }) => [`    ${server}`, waitText(missing, readyAt)])),
  ]);
  return [
    `  ${head}`,
    ...(others.length === 0 ? [] : [formatTable(others)]),
    ...waits,
    ...apartLines(standings),
    ...(isTwice ? ['  somebody made two changes to one number: find out which device, and take it out'] : []),
  ];
}

/** That servers have gone on in different ways, and the command that ends it. */
function apartLines({ name, common, apart }: TermsStandings): string[] {
  if (apart.length === 0) return [];
  const ways = apart.map(({ terms, have }) => [
    `    ${have.join(', ')}`,
    `terms ${terms.version} of their own`,
  ]);
  return [
    `  APART: behind terms ${common.version} servers went on in different ways, so that neither terms nor servers change any more`,
    formatTable(ways),
    `  take out the device that did it, then have all of them go by the same again: ckm terms settle ${name}`,
  ];
}
