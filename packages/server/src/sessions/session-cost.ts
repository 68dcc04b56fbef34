/** Reading one packet and checking its signature, in milliseconds of one core, whatever comes of it. */
const PACKET_MS = 0.4;
/** Hashing and decoding what packets hold. */
const PACKET_MS_PER_BYTE = 20 / 1_048_576;
/**
 * The step that a round makes of its packets, by the slowest suite: proofs, points and ciphertexts of each party. Measured
 * for all suites at 2 of 3 to 32 of 32: at most 1.1 ms for each packet and 1.4 ms for each KiB, except that of few packets.
 */
const STEP_MS = 1.1;
const STEP_MS_PER_BYTE = 1.4 / 1_024;
/** Checking a roster and taking the first step: some milliseconds for each of its entries of about 300 bytes. */
const PARAMETERS_MS_PER_BYTE = 8 / 1_024;

/** What a delivery is expected to cost, told from counts alone, before any of the work is done. */
export function costOfPackets(packets: readonly Uint8Array[]): number {
  return packets.reduce(
    (sum, { length }) => sum + PACKET_MS + STEP_MS + length * (PACKET_MS_PER_BYTE + STEP_MS_PER_BYTE),
    0,
  );
}

/** What joining is expected to cost, told from the length of the parameters. */
export function costOfParameters(parameters: Uint8Array): number {
  return parameters.length * PARAMETERS_MS_PER_BYTE;
}

/** Checking everything in a certificate; 260 ms for one of 32 servers, of 103 KB, in the slowest suite. */
const CERTIFICATE_MS_PER_BYTE = 2.5 / 1_024;

/** What checking a certificate that somebody shows is expected to cost. */
export function costOfCertificate(certificate: Uint8Array): number {
  return certificate.length * CERTIFICATE_MS_PER_BYTE;
}

/** The same of several. */
export function costOfChain(certificates: readonly Uint8Array[]): number {
  return certificates.reduce((sum, certificate) => sum + costOfCertificate(certificate), 0);
}

/** Reading one epoch that was shown before, or is over. */
const LED_MS = 0.3;

/** What comparing with the rosters of all epochs up to one is expected to cost, told from its number. */
export function costOfEpochs(epoch: number): number {
  return epoch * LED_MS;
}
