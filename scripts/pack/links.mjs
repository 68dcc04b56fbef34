// Links of a page that travels in a tarball: what they point at stays behind.
import { join } from 'node:path';

/**
 * Links into the repository lead there; without an address of it they are words.
 * @param folder of the page in the repository @param repository its address, if known
 */
export function linkedFrom(text, { folder, repository }) {
  return text.replaceAll(/\[([^\]]+)\]\((?!https?:)([^)\s]+)\)/g, (_link, words, path) => {
    const inside = join(folder, path).replaceAll('\\', '/');
    return repository === undefined
      ? `${words} (${inside})`
      : `[${words}](${repository}/blob/HEAD/${inside})`;
  });
}
