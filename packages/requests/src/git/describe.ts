import type { Description, DescriptionRow, DescriptionWarning, KeyContext } from '../kind.js';
import { bareName, bareWord } from '../text/bare-name.js';
import { formatInstant } from '../text/instant.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, isReadable, plural, quoteText } from '../text/quote.js';
import type { GitPerson } from './object.js';
import type { GitCommit, GitRequest, GitTag } from './parse.js';

const SHOWN_PARENTS = 8;

function shorten(id: string): string {
  return `${id.slice(0, 12)}…`;
}

function person({ name, mail }: GitPerson): string {
  return `${bareName(name)} <${bareWord(mail)}>`;
}

function instant({ unixSeconds }: GitPerson): string {
  return formatInstant(unixSeconds) ?? `second ${unixSeconds}`;
}

function personRow(label: string, who: GitPerson): DescriptionRow {
  return { label, value: person(who), note: `${instant(who)}, zone ${who.zone}` };
}

function subjectOf(message: string): string {
  return message.replace(/^\n+/, '').split('\n', 1)[0] ?? '';
}

function textRows(message: string, object: Uint8Array): DescriptionRow[] {
  return [
    { label: 'Message', value: quoteText(message.trimEnd(), 2000) },
    { label: 'Object', value: describeDigest(object), note: plural(object.length, 'byte') },
  ];
}

function hiddenCharacters(texts: readonly string[]): DescriptionWarning[] {
  if (texts.every(isReadable)) return [];
  const text = 'it holds characters that do not show, or that reorder the text; they are written out here';
  return [{ code: 'HIDDEN_CHARACTERS', text }];
}

function describeCommit(typed: GitCommit, key: KeyContext): Description {
  const { author, committer, parents, message } = typed;
  const from = [
    parents.length === 0 ? 'no parent' : plural(parents.length, 'parent'),
    ...parents.slice(0, SHOWN_PARENTS).map(shorten),
  ].join(' ');
  const rows: DescriptionRow[] = [
    personRow('Author', author),
    personRow('Committer', committer),
    { label: 'Tree', value: typed.tree },
    ...parents.map((id, at) => ({ label: `Parent ${at + 1}`, value: id })),
    ...textRows(message, typed.object),
  ];
  if (typed.otherHeaders.length > 0) rows.push({ label: 'Also', value: headerNames(typed.otherHeaders) });
  const subject = quoteText(subjectOf(message), 100);
  return {
    sentence: `Sign commit ${subject} by ${person(author)} of ${instant(author)}, tree ${shorten(typed.tree)}, ${from}, with ${keyName(key)}`,
    rows,
    warnings: hiddenCharacters([message, author.name, author.mail, committer.name, committer.mail]),
    blind: false,
  };
}

function headerNames(names: readonly string[]): string {
  return [...new Set(names)].slice(0, 16).join(', ');
}

function describeTag(typed: GitTag, key: KeyContext): Description {
  const { target, tagger, name, message } = typed;
  const rows: DescriptionRow[] = [
    { label: 'Tag', value: quoteText(name, 200) },
    { label: 'On', value: target.id, note: target.type },
    personRow('Tagger', tagger),
    ...textRows(message, typed.object),
  ];
  const subject = quoteText(subjectOf(message), 100);
  return {
    sentence: `Sign tag ${quoteText(name, 100)} on ${target.type} ${shorten(target.id)} by ${person(tagger)} of ${instant(tagger)}, message ${subject}, with ${keyName(key)}`,
    rows,
    warnings: hiddenCharacters([message, name, tagger.name, tagger.mail]),
    blind: false,
  };
}

export function describeGit(typed: GitRequest, key: KeyContext): Description {
  return typed.type === 'commit' ? describeCommit(typed, key) : describeTag(typed, key);
}
