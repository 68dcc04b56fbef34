/** All that end a process and that it may hear of; a debugger is what SIGUSR1 is for. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const;
/** The exit status of a process that was told twice. */
const IMPATIENT = 130;

/**
 * Closes something when the process is told to end; told a second time, ends at once.
 * @param hangUp what to do on SIGHUP instead: a service is told by it that its files have changed
 * @returns how to stop listening
 */
export function stopOnSignals(what: { close(): Promise<void> }, hangUp?: () => void): () => void {
  let asked = false;
  const stop = () => {
    if (asked) process.exit(IMPATIENT);
    asked = true;
    void what.close();
  };
  const listeners = SIGNALS.map(
    (signal) => [signal, signal === 'SIGHUP' && hangUp !== undefined ? hangUp : stop] as const,
  );
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
