import { expect, test } from 'vitest';
import { tellOwners } from './owners-line.js';

function told(accounts: 'open' | 'invite' | 'closed', line: string | null = 'ckm server add alpha …') {
  const lines: string[] = [];
  tellOwners({ talk: (text) => lines.push(text) }, line, accounts, 'alpha');
  return lines.slice(1);
}

test('an operator who hands out the line for owners hears of the code that they are asked for', () => {
  expect(told('invite')).toEqual(['each of them is asked for a code: ckm server invite create alpha']);
  expect(told('closed')).toEqual(['nobody new is let in: "accounts" is "closed" in config.json']);
  expect(told('open')).toEqual([]);
  expect(told('invite', null)).toEqual([]);
});
