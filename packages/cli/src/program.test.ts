import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CLASSES } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { exitHelp, exitStatusesOf } from './command-line/exit-statuses.js';
import type { CommandNode } from './command-line/command-node.js';
import { COMMAND_TREE } from './command-tree.js';

function filesBelow(folder: string, prefix = ''): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return filesBelow(join(folder, entry.name), `${prefix}${entry.name} `);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')
      ? [`${prefix}${entry.name.slice(0, -3)}`]
      : [];
  });
}

function leavesOf(node: CommandNode, path: string[] = []): { path: string; node: CommandNode }[] {
  if (node.load !== undefined) return [{ path: path.join(' '), node }];
  return (node.commands ?? []).flatMap((one) => leavesOf(one, [...path, one.name]));
}

const leaves = leavesOf(COMMAND_TREE);

describe('the command tree', () => {
  test('has the shape of the folder commands/', () => {
    const files = filesBelow(join(import.meta.dirname, 'commands'));
    expect(leaves.map(({ path }) => path).sort()).toEqual(files.sort());
  });

  test.each(leaves)(
    '$path is called and described the same before and after it is loaded',
    async ({ path, node }) => {
      const command = await node.load!();
      expect(command.name()).toBe(node.name);
      expect(command.description()).toBe(node.summary);
      expect(path.endsWith(node.name)).toBe(true);
    },
  );

  test.each(leaves)('$path takes the flags that all commands take', async ({ node }) => {
    const flags = (await node.load!()).options.map(({ long }) => long);
    const everywhere = [
      '--home',
      '--json',
      '--preview',
      '--yes',
      '--no-input',
      '--no-color',
      '--quiet',
      '--passphrase-file',
    ];
    expect(flags).toEqual(expect.arrayContaining(everywhere));
  });

  test.each(leaves)('$path says in its help what its exit statuses mean', async ({ node }) => {
    const command = await node.load!();
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(
      /\nExit status:(?: 0 done;|\n {2}0 {3}done\n(?: {2}\d\d {2}.+\n)+ ) else the kind of error: ckm help exit\n/,
    );
  });

  test.each(leaves)('$path takes no secret by flag', async ({ node, path }) => {
    const flags = (await node.load!()).options.filter(
      ({ long, required }) => required && /pass|secret|seed|words|invite/.test(long ?? ''),
    );
    const names = flags.map(({ long }) => long!);
    expect(names).toContain('--passphrase-file');
    // A file is named, never what is in it.
    // The six words of a change are told aloud, and open nothing: they show that an operator and an owner have spoken.
    const told = path === 'server approve' ? ['--words'] : [];
    expect(names.filter((name) => !/-(file|out)$/.test(name))).toEqual(told);
  });
});

test.each(['sign', 'heir sign', 'requests resume', 'key export'])(
  'ckm %s says in its help that to wait for people ends it with 77, as the table of errors has it, and not with 75',
  async (path) => {
    const command = await leaves.find((one) => one.path === path)!.node.load!();
    const meanings = new Map(exitStatusesOf(command).map(({ status, meaning }) => [status, meaning]));
    expect(meanings.get(77)).toMatch(/\bwaits? for people\b/);
    expect(meanings.get(75)).not.toMatch(/\bwait/);
  },
);

test('ckm help exit has a line for the exit status of every class of error, and for no other', () => {
  const told = [...exitHelp().matchAll(/^ {2}(\d+) +\S/gm)].map(([, status]) => Number(status));
  const statuses = Object.values(ERROR_CLASSES).map(({ exitCode }) => exitCode);
  expect(told).toEqual([...new Set([0, ...statuses])].sort((a, b) => a - b));
});
