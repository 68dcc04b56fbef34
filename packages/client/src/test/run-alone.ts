import type { TestNetwork } from './test-network.js';

/** As long as servers count time without looking. Seconds. */
export const LOOK = 1_200;

/** Time in which one server runs, and the others are off. */
export async function runAlone(network: TestNetwork, name: string, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= LOOK) {
    network.now += LOOK;
    await network.server(name).bare.sessions.sweep();
  }
}
