const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The exit status of a process that was told twice. */
const IMPATIENT = 130;

/**
 * Closes something when the process is told to end; told a second time, ends at once.
 * @returns how to stop listening
 */
export function stopOnSignals(what: { close(): Promise<void> }): () => void {
  let asked = false;
  const stop = () => {
    if (asked) process.exit(IMPATIENT);
    asked = true;
    void what.close();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}
