import { type Command, CommanderError } from 'commander';
import { isAfterAnswer } from './command-line/after-answer.js';
import { isAnswer, toUsageError } from './command-line/command-errors.js';
import { exitHelp, exitStatuses } from './command-line/exit-statuses.js';
import { typedWords } from './command-line/typed-words.js';
import { ProgramEnded } from './command-line/program-ended.js';
import { asCalled } from './terminal/called-as.js';
import { errorLines, errorObject, toCkmError } from './terminal/print-error.js';
import { endOnSignals } from './terminal/end-on-signals.js';
import { writeError } from './terminal/terminal.js';
import { watchOutput } from './terminal/watch-output.js';
import { createProgram } from './program.js';

/**
 * Runs one command line and returns the exit status. stdout gets the answer, stderr everything else.
 * Statuses: 0, or that of the error's class (`ckm help exit`).
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const output = watchOutput();
  endOnSignals();
  const status = await runOne(argv);
  // Whoever called may end the process now: a pipe holds nothing back any more.
  await Promise.all([process.stdout, process.stderr].map(flush));
  const failure = output.failure();
  if (status !== 0 || failure === null) return status;
  writeError(errorLines(failure));
  await flush(process.stderr);
  return failure.exitCode;
}

function flush(stream: NodeJS.WriteStream): Promise<unknown> {
  return new Promise((resolve) => stream.write('', resolve));
}

async function runOne(typed: readonly string[]): Promise<number> {
  if (typed[0] === 'help' && typed[1] === 'exit') {
    const isForPrograms = typed.includes('--json');
    const text = isForPrograms ? JSON.stringify(exitStatuses()) : asCalled(exitHelp());
    process.stdout.write(`${text}\n`);
    return 0;
  }
  // `ckm help sign` is `ckm sign --help`.
  const argv = typed[0] === 'help' ? [...typed.slice(1), '--help'] : typed;
  let program: Command | undefined;
  try {
    program = await createProgram(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError && isAnswer(thrown)) return 0;
    if (thrown instanceof ProgramEnded) return thrown.status;
    const error = toCkmError(
      thrown instanceof CommanderError
        ? toUsageError(thrown, program === undefined ? '' : namedIn(program, argv).path)
        : thrown,
    );
    const words = program === undefined ? {} : typedWords(namedIn(program, argv).command);
    writeError(errorLines(error, words));
    if (process.env['CKM_TRACE'] === '1' && thrown instanceof Error)
      process.stderr.write(`${trace(thrown)}\n`);
    if (argv.includes('--json') && !isAfterAnswer(error))
      process.stdout.write(`${JSON.stringify(errorObject(error, words))}\n`);
    return error.exitCode;
  }
}

/** The command that was meant, as far as it was understood, and its path: `server audit`. */
function namedIn(
  program: Command,
  argv: readonly string[],
): { readonly command: Command; readonly path: string } {
  const names: string[] = [];
  let at = program;
  for (const word of argv) {
    const next = at.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (next === undefined) break;
    names.push(next.name());
    at = next;
  }
  return { command: at, path: names.join(' ') };
}

function trace(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${trace(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
