import { join } from 'node:path';
import { runProgram } from '../run-ckm.js';
import { PYTHON } from './find-judges.js';

/** Has a command of bitcoin.py done, which stands beside this file. @throws Error with what Python says */
export async function askPython<T>(command: string, given: object): Promise<T> {
  const script = join(import.meta.dirname, 'bitcoin.py');
  const { status, stdout, stderr } = await runProgram(PYTHON, [script, command], {
    stdin: JSON.stringify(given),
  });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
