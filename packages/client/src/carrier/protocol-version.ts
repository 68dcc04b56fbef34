import { PROTOCOL_VERSION } from '@ckm/api';
import { CkmError } from '@ckm/foundation';

/**
 * What a difference of protocol versions comes to for a person: which side has to be brought up to date. Nothing of a
 * ceremony is over by it: it goes on when both sides speak the same again.
 * @param refusal `PROTOCOL_VERSION_UNKNOWN`, from the server or about its reply
 */
export function versionDiffers(server: string, refusal: CkmError): CkmError {
  const theirs = versionsOf(refusal);
  const isServerOlder = theirs.length > 0 && Math.max(...theirs) < PROTOCOL_VERSION;
  const spoken = theirs.length === 0 ? 'another version' : `version ${theirs.join(', ')}`;
  const message = `server ${server} speaks ${spoken} of the protocol, this client version ${PROTOCOL_VERSION}`;
  return new CkmError('StateError', message, {
    code: 'PROTOCOL_VERSION_UNKNOWN',
    hint: isServerOlder
      ? `ask the operator of ${server} to bring the server up to date`
      : 'bring this client up to date; keys and ceremonies stay as they are',
    ...(isServerOlder ? {} : { remedy: { kind: 'updateSoftware' } }),
    retryable: true,
    facts: { server, protocol: PROTOCOL_VERSION, speaks: [...theirs] },
    cause: refusal,
  });
}

/** What the server speaks: as it says in a refusal of our version, else the one its reply is in. */
function versionsOf({ facts }: CkmError): readonly number[] {
  const { protocol, speaks } = facts;
  if (protocol !== PROTOCOL_VERSION) return typeof protocol === 'number' && protocol > 0 ? [protocol] : [];
  const listed = Array.isArray(speaks) ? speaks : [];
  return listed.filter(
    (one): one is number => typeof one === 'number' && one > 0 && one !== PROTOCOL_VERSION,
  );
}
