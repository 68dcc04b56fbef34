/** One numbered step of a story in docs: who types what, how it ends, and what is then on the screen. */
export interface StoryStep {
  /** As the page names them: `Ada`, or `Anna, Boris`. */
  readonly who: readonly string[];
  readonly lines: readonly StoryLine[];
  /** Lines of the screen, in the order of the page; … stands for anything. */
  readonly shown: readonly string[];
  /** How many days go by behind it: `_3 days go by._` */
  readonly days: number;
}

export interface StoryLine {
  readonly typed: string;
  /** Of the error with which it ends, where the page says so behind the command. */
  readonly code: string | null;
}

/** The section of a page below that heading. @throws Error when there is none */
export function sectionOf(page: string, title: string): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`the page has no section ${title}`);
  return section;
}

/** The steps of a section: `1. **Who:** …`, with a block of commands, and perhaps one (`text`) of what is shown. */
export function storySteps(section: string): readonly StoryStep[] {
  return section.split(/^\d+\. /m).flatMap((text) => {
    const [, who] = /^\*\*([^*:]+):\*\*/.exec(text) ?? [];
    if (who === undefined) return [];
    const blocks = [...text.matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm)];
    const linesIn = (kind: string) =>
      blocks.flatMap(([, said, block]) => (said === kind ? block!.split('\n') : [])).map((one) => one.trim());
    return [
      {
        who: who.split(/, /),
        lines: linesIn('')
          .filter((one) => one.startsWith('ckm '))
          .map(storyLine),
        shown: linesIn('text').filter((one) => one !== ''),
        days: Number(/^_(\d+) days go by/m.exec(text)?.[1] ?? 0),
      },
    ];
  });
}

function storyLine(line: string): StoryLine {
  const [typed = '', remark = ''] = line.split(/ {2,}/);
  return { typed, code: /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(remark)?.[0] ?? null };
}

/** The words of a command line, without quotes, and without `ckm`. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!).slice(1);
}

/** A line of the screen, whatever stands at each … in it, and however it was folded. */
export function asPattern(shown: string): RegExp {
  const parts = shown
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, '\\s+'));
  return new RegExp(parts.join('[^]*?'));
}
