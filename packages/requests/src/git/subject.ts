/** A line of nothing but what git takes for blank, with the end of the line before it. Source: git ctype.c (`isspace`). */
const BLANK_LINE = /\n[ \t\r]*(?:\n|$)/;
/** Such blanks at the end of a line; each run is looked at once, so that a long one costs no more than its length. */
const BLANK_ENDS = /(?<![ \t\r])[ \t\r]+(?=\n|$)/g;

/** What `git log --format=%s` says of a commit: its first paragraph as one line. Source: git pretty.c (`format_subject`). */
export function commitSubject(message: string): string {
  const text = message.slice(endOfBlankLines(message));
  const end = text.search(BLANK_LINE);
  const paragraph = end < 0 ? text : text.slice(0, end);
  return paragraph.replace(BLANK_ENDS, '').replaceAll('\n', ' ');
}

function endOfBlankLines(text: string): number {
  let end = 0;
  for (let at = 0; at < text.length && ' \t\r\n'.includes(text[at]!); at++)
    if (text[at] === '\n') end = at + 1;
  return end;
}

/** What `git tag --format=%(contents:subject)` says of a tag. Source: git ref-filter.c (`find_subpos`, `copy_subject`). */
export function tagSubject(message: string): string {
  let from = 0;
  while (message[from] === '\n') from++;
  const paragraphs = ['\n\n', '\r\n\r\n'].map((blank) => message.indexOf(blank, from));
  let end = paragraphs.find((at) => at >= 0) ?? message.length;
  while (end > from && '\r\n'.includes(message[end - 1]!)) end--;
  return message.slice(from, end).replace(/\r?\n/g, ' ');
}
