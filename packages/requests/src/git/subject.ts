/** What git takes for blank at the end of a line. Source: git ctype.c (`isspace`). */
const BLANKS = ' \t\r';

/** What `git log --format=%s` says of a commit: its first paragraph as one line. Source: git pretty.c (`format_subject`). */
export function commitSubject(message: string): string {
  const lines: string[] = [];
  for (let at = 0; at < message.length;) {
    const newline = message.indexOf('\n', at);
    const end = newline < 0 ? message.length : newline;
    const line = message.slice(at, endOfText(message, at, end));
    at = end + 1;
    if (line !== '') lines.push(line);
    else if (lines.length > 0) break;
  }
  return lines.join(' ');
}

function endOfText(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && BLANKS.includes(text[end - 1]!)) end--;
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
