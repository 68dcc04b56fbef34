import type { FunctionName, Parameters, Result } from '@ckm/api';

/** A server as its client sees it, however it is reached. */
export interface Callee {
  readonly name: string;
  call<F extends FunctionName>(name: F, parameters: Parameters<F>): Promise<Result<F>>;
}
