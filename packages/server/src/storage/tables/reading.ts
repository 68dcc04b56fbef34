import type { CompiledQuery } from 'kysely';
import type { Queries } from '../database.js';

/** What a statement gave back. */
export interface Executed<R> {
  readonly rows: readonly R[];
  /** How many rows it inserted, updated or deleted. */
  readonly changed: number;
}

/** What every reader of tables needs. */
export interface Reading {
  readonly kind: 'sqlite' | 'postgres';
  /** Runs a statement that was built before, with values of its own. */
  execute<R>(statement: CompiledQuery, parameters: readonly unknown[]): Promise<Executed<R>>;
  readonly queries: Queries;
}
