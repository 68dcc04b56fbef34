import { StateError } from '@ckm/foundation';

export function noCase(): StateError {
  return new StateError('no heir asks for this key here', {
    code: 'HEIR_NOT_ASKING',
    hint: 'look how it stands: its owner may have been heard since',
    retryable: false,
  });
}
