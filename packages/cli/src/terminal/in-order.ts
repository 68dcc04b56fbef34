/** Shows answers in the order of those who were asked, as far as that keeps nobody waiting. */
export interface InOrder<T> {
  /** @param name of whoever answered */
  answered(name: string, answer: T): void;
  /** Shows what is left. */
  end(): void;
}

/** What takes longer than this is not waited for with answers that are there. */
const PATIENCE_MS = 500;

/**
 * An answer is shown once all before it are; after half a second each is shown as it comes.
 * @param names of all who were asked, each once
 */
export function createInOrder<T>(names: readonly string[], show: (answer: T) => void): InOrder<T> {
  const left = new Set(names);
  const answers = new Map<string, T>();
  let isLate = false;
  const showReady = () => {
    for (const name of left) {
      const answer = answers.get(name);
      if (answer !== undefined) {
        left.delete(name);
        show(answer);
      } else if (!isLate) return;
    }
  };
  const goOn = () => {
    isLate = true;
    showReady();
  };
  const timer = setTimeout(goOn, PATIENCE_MS);
  return {
    answered: (name, answer) => {
      answers.set(name, answer);
      showReady();
    },
    end: () => {
      clearTimeout(timer);
      goOn();
    },
  };
}
