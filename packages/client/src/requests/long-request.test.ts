import { REQUEST_KIND_NAMES, requestKind } from '@ckm/requests';
import { expect, test } from 'vitest';
import { memoryStore } from '../store/memory-store.js';
import { recordsOf } from '../test/test-network.js';
import type { RequestRecord } from './request-record.js';
import { listRequests, loadRequest, saveRequest } from './requests.js';

test.each(REQUEST_KIND_NAMES.map((name) => [name, requestKind(name).maxBytes] as const))(
  'a request of kind %s that is as long as one may be, %i bytes, is read again from its record',
  async (kind, length) => {
    const store = recordsOf(memoryStore());
    const request: RequestRecord = {
      requestId: new Uint8Array(32).fill(7),
      state: 'finished',
      createdAt: 1,
      expiresAt: 2,
      reason: null,
      keyName: 'letters',
      keyId: new Uint8Array(32).fill(1),
      kind,
      payload: new Uint8Array(length).fill(3),
      sentence: 'Sign.',
      without: [],
      attempts: 1,
      artefact: new Uint8Array(length).fill(4),
      destination: null,
      spends: null,
      refusals: [],
    };
    await saveRequest(store, request);
    const loaded = await loadRequest(store, request.requestId);
    expect(loaded?.payload.length).toBe(length);
    expect(loaded?.artefact?.length).toBe(length);
    expect((await listRequests(store)).length).toBe(1);
  },
);
