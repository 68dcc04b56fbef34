import type { z } from 'zod';
import { listSettings } from './settings.js';

/** What is wrong with a configuration, and what to do about it. */
export interface SettingFault {
  /** Its path in `config.json`; empty: the whole file. */
  readonly setting: string;
  readonly expected: string;
  readonly hint: string;
}

const FILE = 'config.json';

/** Puts what the schema has found into words of ours, with the values that the reference of all settings has. */
export function settingFault(issue: z.core.$ZodIssue): SettingFault {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return unknownSetting([...path, issue.keys[0]!].join('.'));
  const setting = path.join('.');
  const hint = `correct ${setting === '' ? FILE : `${setting} in ${FILE}`}`;
  return { setting, expected: expectedOf(setting, issue), hint };
}

function unknownSetting(setting: string): SettingFault {
  const names = listSettings().flatMap(({ name }) => [name, ...groupsOf(name)]);
  const near = names.find((name) => isNear(name.toLowerCase(), setting.toLowerCase()));
  const instead = near === undefined ? 'docs/settings.md has all that there are' : `did you mean ${near}?`;
  return {
    setting,
    expected: 'there is no such setting',
    hint: `take it out of ${FILE}, or correct it: ${instead}`,
  };
}

/** `limits.body` → `limits` */
function groupsOf(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
}

function expectedOf(setting: string, issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.origin === 'string') return 'is empty';
  if (issue.code === 'too_big' && issue.origin === 'string')
    return `expected ${issue.maximum} characters or fewer`;
  if (setting === '') return 'expected an object, such as {"name": "alpha"}';
  const values = listSettings()
    .find(({ name }) => name === setting)
    ?.values.replaceAll('`', '');
  const isOurs = issue.code === 'custom' || issue.code === 'invalid_format';
  if (values === undefined || isOurs) return issue.message;
  return `expected ${/^\d/.test(values) ? 'a whole number, ' : ''}${values}`;
}

/** Whether one letter that is missing, too many, wrong or in the place of its neighbour makes one word the other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let from = 0;
  while (from < Math.min(a.length, b.length) && a[from] === b[from]) from++;
  const [restA, restB] = [a.slice(from), b.slice(from)];
  const isSwapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return (
    isSwapped || [restA.slice(1), restA].some((left) => left === restB.slice(1)) || restA.slice(1) === restB
  );
}
