import type { Description, DescriptionRow, KeyContext } from '../kind.js';
import { bareName, bareWord } from '../text/bare-name.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, plural, quoteText } from '../text/quote.js';
import { describePush } from './describe-push.js';
import { encodingRows, instantOf, shortId, textWarnings } from './describe-text.js';
import type { GitPerson } from './object.js';
import type { GitCommit, GitRequest, GitTag } from './parse.js';
import { commitSubject, tagSubject } from './subject.js';

const SHOWN_PARENTS = 8;

function person({ name, mail }: GitPerson): string {
  return `${bareName(name)} <${bareWord(mail)}>`;
}

function personRow(label: string, who: GitPerson): DescriptionRow {
  return { label, value: person(who), note: `${instantOf(who)}, zone ${who.zone}` };
}

function textRows(message: string, object: Uint8Array): DescriptionRow[] {
  return [
    { label: 'Message', value: quoteText(message.trimEnd(), 2000) },
    { label: 'Object', value: describeDigest(object), note: plural(object.length, 'byte') },
  ];
}

function describeCommit(typed: GitCommit, key: KeyContext): Description {
  const { author, committer, parents, message } = typed;
  const from = [
    parents.length === 0 ? 'no parent' : plural(parents.length, 'parent'),
    ...parents.slice(0, SHOWN_PARENTS).map(shortId),
  ].join(' ');
  const rows: DescriptionRow[] = [
    personRow('Author', author),
    personRow('Committer', committer),
    { label: 'Tree', value: typed.tree },
    ...parents.map((id, at) => ({ label: `Parent ${at + 1}`, value: id })),
    ...textRows(message, typed.object),
    ...encodingRows(typed.encoding),
  ];
  if (typed.otherHeaders.length > 0) rows.push({ label: 'Also', value: headerNames(typed.otherHeaders) });
  const subject = quoteText(commitSubject(message), 100);
  return {
    sentence: `Sign commit ${subject} by ${person(author)} of ${instantOf(author)}, tree ${shortId(typed.tree)}, ${from}, with ${keyName(key)}`,
    rows,
    warnings: textWarnings(typed.encoding, [
      message,
      author.name,
      author.mail,
      committer.name,
      committer.mail,
    ]),
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
    ...encodingRows(typed.encoding),
  ];
  const subject = quoteText(tagSubject(message), 100);
  return {
    sentence: `Sign tag ${quoteText(name, 100)} on ${target.type} ${shortId(target.id)} by ${person(tagger)} of ${instantOf(tagger)}, message ${subject}, with ${keyName(key)}`,
    rows,
    warnings: textWarnings(typed.encoding, [message, name, tagger.name, tagger.mail]),
    blind: false,
  };
}

export function describeGit(typed: GitRequest, key: KeyContext): Description {
  if (typed.type === 'commit') return describeCommit(typed, key);
  return typed.type === 'tag' ? describeTag(typed, key) : describePush(typed, key);
}
