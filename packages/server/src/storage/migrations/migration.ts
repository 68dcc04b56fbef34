/** The words in which the two databases differ. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgres';
  readonly bytes: 'blob' | 'bytea';
  readonly integer: 'integer' | 'bigint';
  /** What ends a `create table`. */
  readonly suffix: 'strict' | '';
}

export const DIALECTS: { readonly [K in Dialect['kind']]: Dialect } = {
  sqlite: { kind: 'sqlite', bytes: 'blob', integer: 'integer', suffix: 'strict' },
  postgres: { kind: 'postgres', bytes: 'bytea', integer: 'bigint', suffix: '' },
};

/** One step of the schema. Never edited once released: its statements are hashed and compared at every start. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  statements(dialect: Dialect): readonly string[];
}
