/**
 * What a typed line says to a question that is answered with yes or no. Null: neither, so that the question is asked again; a
 * passphrase that was typed one question too early says nothing.
 */
export function parseYesNo(typed: string): boolean | null {
  const word = typed.trim().toLowerCase();
  if (['y', 'yes'].includes(word)) return true;
  return ['n', 'no'].includes(word) ? false : null;
}
