import { basename } from 'node:path';

/**
 * What its owner calls a file: the last part of the path. Stdin has no name, nor has what a shell or a system hands over in
 * a file's place (`/dev/fd/63`).
 */
export function fileNameOf(path: string | undefined): string | undefined {
  return path === undefined || path === '-' || HANDED_OVER.test(path) ? undefined : basename(path);
}

const HANDED_OVER = /^\/(?:dev\/stdin|dev\/fd\/\d+|proc\/[^/]+\/fd\/\d+)$/;
