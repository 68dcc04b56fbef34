import { quoteText } from './quote.js';

/** Words of letters, as people are called: nothing in them can pass for the words of our own sentence. */
const PERSON = /^[\p{L}\p{M}.'’-]+( [\p{L}\p{M}.'’-]+){0,4}$/u;
const WORD = /^[\w.@+/:-]+$/;
const LONGEST = 64;

/** A person's name as a sentence shows it: bare where it cannot be mistaken, else quoted. */
export function bareName(name: string): string {
  return PERSON.test(name) && name.length <= LONGEST ? quoteText(name).slice(1, -1) : quoteText(name, 32);
}

/** One word (a user name, a mail address) as a sentence shows it: bare where it cannot be mistaken, else quoted. */
export function bareWord(word: string): string {
  return WORD.test(word) && word.length <= LONGEST ? word : quoteText(word, 32);
}
