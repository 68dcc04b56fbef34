/** So many of something: `1 key`, `2 keys`. @param nouns what several are called, where an s is not enough */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
