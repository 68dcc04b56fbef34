import type { Facts, FactTypes, FactValue } from '@ckm/requests';
import type { Comparison } from './condition.js';

/** `REQUEST_FACTS` of `@ckm/requests`: handed in, so that who reads a message loads no code of any kind. */
export type FactTable = Readonly<Record<string, FactTypes>>;

/** A fact that is summed over what was let in within so many seconds. */
export interface TotalAsked {
  readonly fact: string;
  readonly within: number;
}

/** What requests of a kind say; null: this version knows no such kind. */
export function factTypesOf(kind: string, table: FactTable): FactTypes | null {
  return Object.hasOwn(table, kind) ? table[kind]! : null;
}

/** The name of the fact that a comparison is about. */
export function factIn(comparison: Comparison): string {
  return 'total' in comparison ? comparison.total : comparison.fact;
}

/** The value of a fact by its name, and nothing that every object has. */
export function factOf(facts: Facts, name: string): FactValue | undefined {
  return Object.hasOwn(facts, name) ? facts[name] : undefined;
}
