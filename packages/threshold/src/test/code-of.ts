import { CkmError } from '@ckm/foundation';

/** The code with which `action` fails; what is none of our errors is thrown on. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
