import type { CommandNode } from './command-node.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One place in the tree of commands: `ckm server`, with the words that may follow. */
interface Place {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly summary: string }[];
  readonly flags: readonly PlacedFlag[];
}

interface PlacedFlag {
  readonly flag: string;
  readonly summary: string;
  /** What may follow it; empty: anything. */
  readonly values: readonly string[];
}

/** The script that teaches a shell every command and flag of this version. */
export async function completionScript(tree: CommandNode, shell: Shell): Promise<string> {
  const places = await placesOf(tree, tree.name);
  return shell === 'fish' ? fishScript(places) : shell === 'zsh' ? zshScript(places) : bashScript(places);
}

async function placesOf(node: CommandNode, path: string): Promise<Place[]> {
  const { commands = [], load } = node;
  const options = load === undefined ? [] : (await load()).options.filter(({ long }) => long !== '--keep');
  const flags = options.flatMap(({ long, description, argChoices }) =>
    long === undefined || long === null
      ? []
      : [{ flag: long, summary: description, values: argChoices ?? [] }],
  );
  const here: Place = {
    path,
    words: commands.map(({ name, summary }) => ({ word: name, summary })),
    flags: flags.length === 0 ? [{ flag: '--help', summary: 'help', values: [] }] : flags,
  };
  const below = await Promise.all(commands.map((one) => placesOf(one, `${path} ${one.name}`)));
  return [here, ...below.flat()];
}

/**
 * Walks the words that are typed already, as far as they are commands; what follows is completed from there. For zsh too, which takes
 * a name behind a colon for a modifier.
 */
function bashFunction(places: readonly Place[]): string {
  const known = places
    .slice(1)
    .map(({ path }) => `"${path}"`)
    .join('|');
  const cases = places.map(({ path, words, flags }) => {
    const all = [...words.map(({ word }) => word), ...flags.map(({ flag }) => flag)];
    return `    "${path}") words="${all.join(' ')}" ;;`;
  });
  const valued = places.flatMap(({ path, flags }) =>
    flags
      .filter(({ values }) => values.length > 0)
      .map(({ flag, values }) => `    "${path} ${flag}") words="${values.join(' ')}" ;;`),
  );
  return `_ckm() {
  local at=ckm word words= typed="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$at $word" in
      ${known}) at="$at $word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  case "$at \${COMP_WORDS[COMP_CWORD-1]}" in
${valued.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$typed"))
}`;
}

function bashScript(places: readonly Place[]): string {
  return `# bash completion for ckm; files are completed where no command fits
${bashFunction(places)}
complete -o default -F _ckm ckm
`;
}

function zshScript(places: readonly Place[]): string {
  return `#compdef ckm
# zsh completion for ckm, by way of bash's
autoload -U +X bashcompinit && bashcompinit
${bashFunction(places)}
complete -o default -F _ckm ckm
`;
}

function fishScript(places: readonly Place[]): string {
  const known = places
    .slice(1)
    .map(({ path }) => `'${path}'`)
    .join(' ');
  const lines = places.flatMap(({ path, words, flags }) => [
    ...words.map(
      ({ word, summary }) => `complete -c ckm -n "__ckm_at '${path}'" -f -a ${word} -d ${fishText(summary)}`,
    ),
    ...flags.map(
      ({ flag, summary, values }) =>
        `complete -c ckm -n "__ckm_at '${path}'" -l ${flag.slice(2)} -d ${fishText(summary)}${fishValues(values)}`,
    ),
  ]);
  return `# fish completion for ckm
function __ckm_at
  set -l at ckm
  for word in (commandline -opc)[2..-1]
    contains -- "$at $word" ${known}; and set at "$at $word"
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function fishValues(values: readonly string[]): string {
  return values.length === 0 ? '' : ` -x -a ${fishText(values.join(' '))}`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
