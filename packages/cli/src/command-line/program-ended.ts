/** Thrown when another program did the work: its exit status becomes ours, and nothing more is said. */
export class ProgramEnded extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`ended with status ${status}`);
    this.status = status;
  }
}
