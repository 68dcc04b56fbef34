import { UsageError } from '@ckm/foundation';
import type { Command, Option } from 'commander';
import type { CliCode } from './codes.js';

/** What an empty value was probably meant to do, and how that is said. */
const INSTEAD: Readonly<Record<string, string>> = {
  domain: 'use --raw to sign without a domain',
  message: 'to sign an empty message, name an empty file',
};

/**
 * From now on a command refuses a value that is empty (mostly a variable that is not set) unless that is its default,
 * and an option given twice that takes one value: whoever reads the command line does not see which of them counts.
 * @throws UsageError `OPTION_INVALID`, while the command line is read
 */
export function refuseUnclearOptions(command: Command): void {
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, (value: string | null) => {
      if (value === '' && option.defaultValue !== '') throw emptyValue(option);
      if (isGiven && !takesMany(option)) throw givenTwice(option);
      isGiven = true;
    });
  }
}

/**
 * Refuses an argument that is empty. What a command passes on to another program is not looked at.
 * @throws UsageError `ARGUMENT_MISSING`
 */
export function refuseEmptyArguments(command: Command): void {
  command.registeredArguments.forEach((argument, i) => {
    if (argument.variadic || command.args[i] !== '') return;
    throw refusal('ARGUMENT_MISSING', `the argument ${argument.name()} is empty`, 'name it, or leave it out');
  });
}

/** Collects its values in a list. */
function takesMany({ variadic, defaultValue }: Option): boolean {
  return variadic || Array.isArray(defaultValue);
}

function emptyValue(option: Option): UsageError {
  const hint = INSTEAD[option.name()] ?? `give ${flagOf(option)} a value, or leave it out`;
  return refusal('OPTION_INVALID', `the value of ${flagOf(option)} is empty`, hint);
}

function givenTwice(option: Option): UsageError {
  const flag = flagOf(option);
  return refusal(
    'OPTION_INVALID',
    `${flag} is given twice`,
    `give ${flag} once: only one of them can be meant`,
  );
}

function flagOf({ long, short }: Option): string {
  return long ?? short ?? '';
}

function refusal(code: CliCode, what: string, hint: string): UsageError {
  return new UsageError(what, { code, hint });
}
