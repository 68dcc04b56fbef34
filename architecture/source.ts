import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

/** The folder of the repository. */
export const ROOT = dirname(import.meta.dirname);

/** What one file takes from another, or from a library. */
export interface Import {
  /** As it is written: `./key.js`, `@ckm/api`, `node:fs`. */
  readonly specifier: string;
  /** The names that are taken, as they are called over there; `*` for all of them. */
  readonly names: readonly string[];
}

/** A name that a file gives away. */
export interface Export {
  readonly name: string;
  /** Where it comes from, when it is passed on; else null. */
  readonly from: { readonly specifier: string; readonly name: string } | null;
  /** An interface or a type: nothing at run time. */
  readonly isType: boolean;
}

/** A TypeScript file of a package. */
export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  /** The package it belongs to. */
  readonly room: string;
  /** A test, or something that only tests use. */
  readonly isTest: boolean;
  readonly code: string;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
}

interface Name {
  readonly name: string;
}

/** The few kinds of statements that matter here, as ESTree calls them. */
interface Statement {
  readonly type: string;
  readonly source?: { readonly value: string } | null;
  readonly exported?: Name | null;
  readonly exportKind?: 'type' | 'value';
  readonly specifiers?: readonly {
    readonly imported?: Name;
    readonly local?: Name;
    readonly exported?: Name;
    readonly exportKind?: 'type' | 'value';
  }[];
  readonly declaration?: {
    readonly type: string;
    readonly id?: Name | null;
    readonly declarations?: readonly {
      readonly id: Name & { readonly properties?: readonly { value: Name }[] };
    }[];
  } | null;
}

const DYNAMIC = /\b(?:import|require)\(\s*['"]([^'"\s]+)['"]/g;

/** Whether only tests use a file. */
export function isTestPath(path: string): boolean {
  return /\.test\.ts$|\/(test|fixtures)\//.test(path);
}

/** Every file below a folder with that ending, but nothing compiled or installed. */
export function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return /^(node_modules|dist|\.git)$/.test(entry.name) ? [] : filesBelow(path, ending);
    return ending.test(entry.name) ? [path] : [];
  });
}

function namesOf(statement: Statement): string[] {
  return (statement.specifiers ?? []).map(({ imported, local }) =>
    statement.type === 'ImportDeclaration' ? (imported?.name ?? '*') : (local?.name ?? '*'),
  );
}

function importsOf(body: readonly Statement[], code: string): Import[] {
  const written = body.flatMap((statement) =>
    statement.source === undefined || statement.source === null
      ? []
      : [
          {
            specifier: statement.source.value,
            names: statement.type === 'ExportAllDeclaration' ? ['*'] : namesOf(statement),
          },
        ],
  );
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, '');
  const loaded = [...bare.matchAll(DYNAMIC)].map((match) => ({ specifier: match[1]!, names: ['*'] }));
  return [...written, ...loaded];
}

function exportsOf(body: readonly Statement[]): Export[] {
  return body.flatMap((statement): Export[] => {
    const { type, source, declaration, specifiers = [] } = statement;
    if (type === 'ExportAllDeclaration')
      return [
        {
          name: statement.exported?.name ?? '*',
          from: { specifier: source!.value, name: '*' },
          isType: false,
        },
      ];
    if (type !== 'ExportNamedDeclaration') return [];
    const passedOn = specifiers.map(({ local, exported, exportKind }) => ({
      name: exported!.name,
      from: source ? { specifier: source.value, name: local!.name } : null,
      isType: exportKind === 'type' || statement.exportKind === 'type',
    }));
    const isType = /^TS(Interface|TypeAlias)Declaration$/.test(declaration?.type ?? '');
    const declared = declaration?.declarations?.flatMap(
      ({ id }) => id.properties?.map(({ value }) => value) ?? [id],
    ) ?? [declaration?.id];
    const own = declared.flatMap((id) => (id ? [{ name: id.name, from: null, isType }] : []));
    return [...passedOn, ...own];
  });
}

function readSource(path: string): SourceFile {
  const code = readFileSync(join(ROOT, path), 'utf8');
  const body = parseAst(code, { lang: 'ts' }).body as unknown as readonly Statement[];
  const room = path.split('/')[1]!;
  return {
    path,
    room,
    isTest: isTestPath(path),
    code,
    imports: importsOf(body, code),
    exports: exportsOf(body),
  };
}

/** Every source file of every package, tests too. */
export const SOURCES: readonly SourceFile[] = filesBelow('packages', /\.ts$/)
  .filter((path) => /^packages\/[a-z]+\/src\//.test(path))
  .map(readSource);

const byPath = new Map(SOURCES.map((file) => [file.path, file]));

/** The file of ours that a relative specifier, or the name of a package, means; null: none of ours. */
export function resolveImport({ path }: SourceFile, specifier: string): SourceFile | null {
  const [, room, inside] = /^@ckm\/([a-z]+)(?:\/([a-z/]+))?$/.exec(specifier) ?? [];
  if (room !== undefined) {
    const folder = `packages/${room}/src`;
    const inner = inside === undefined ? undefined : byPath.get(`${folder}/${inside}.ts`);
    return inner ?? byPath.get(`${folder}/${inside === undefined ? '' : `${inside}/`}index.ts`) ?? null;
  }
  if (!specifier.startsWith('.')) return null;
  const target = relative(ROOT, join(ROOT, dirname(path), specifier)).replaceAll('\\', '/');
  return byPath.get(target.replace(/\.js$/, '.ts')) ?? null;
}

/** What is shipped: no test, nothing that only tests use. */
export const SHIPPED: readonly SourceFile[] = SOURCES.filter(({ isTest }) => !isTest);
