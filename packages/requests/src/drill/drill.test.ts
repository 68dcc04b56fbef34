import { frostTasks } from '../task.js';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { messageKind } from '../message/index.js';
import { buildMessageRequest } from '../message/build.js';
import { purposeKinds, purposeUsesChildren, REQUEST_KIND_NAMES, requestKind } from '../registry/registry.js';
import { buildDrillRequest, DRILL, drillKind } from './index.js';
import { DRILL_PREFIX, drillText } from './text.js';

const PURPOSES = [...REQUEST_KIND_NAMES];

describe('the request of a drill', () => {
  const key = ed25519Key(DRILL);

  test('signs one text, and a signature of anything else is none', () => {
    const parsed = requestKind(DRILL).parse(buildDrillRequest());
    const [task] = frostTasks(parsed.tasks(key.context));
    expect(new TextDecoder().decode(task!.message)).toMatch(/^CKM recovery drill v1\n/);
    expect(task!.message).toEqual(drillText());
    const artefact = parsed.finish(key.context, parsed.tasks(key.context).map(key.sign));
    expect(parsed.verify(key.context, artefact)).toBe(true);
    expect(
      parsed.verify(
        key.context,
        artefact.map((byte) => byte ^ 1),
      ),
    ).toBe(false);
  });

  test('has one payload: nothing that somebody writes gets into what is signed', () => {
    const payload = buildDrillRequest();
    expect(outcome(() => drillKind.parse(concatBytes(payload, encodeUtf8('x'))))).toBe('PAYLOAD_TOO_LARGE');
    expect(outcome(() => drillKind.parse(new Uint8Array()))).toBe('PAYLOAD_MALFORMED');
    expect(outcome(() => drillKind.parse(Uint8Array.of(2)))).toBe('PAYLOAD_VERSION_UNKNOWN');
  });

  test('is for keys of drills alone, and those answer to nothing else', () => {
    const parsed = requestKind(DRILL).parse(buildDrillRequest());
    for (const purpose of PURPOSES) {
      expect(outcome(() => parsed.tasks(ed25519Key(purpose).context))).toBe('REQUEST_KIND_NOT_FOR_KEY');
      expect(purposeKinds(purpose)).not.toContain(DRILL);
    }
    expect(purposeKinds(DRILL)).toEqual([DRILL]);
    expect(purposeUsesChildren(DRILL)).toBe(false);
    const message = messageKind.parse(buildMessageRequest({ domain: 'test', bytes: encodeUtf8('hello') }));
    expect(outcome(() => messageKind.tasks(message, key.context))).toBe('REQUEST_KIND_NOT_FOR_KEY');
  });

  test('is offered to nobody who chooses what to make or sign', () => {
    expect(REQUEST_KIND_NAMES).not.toContain(DRILL);
    expect(() => requestKind('none')).toThrow(
      expect.objectContaining({ hint: expect.not.stringContaining(DRILL) }),
    );
  });

  test('is not what a message that is signed as it is may be', () => {
    const raw = () => buildMessageRequest({ domain: '', bytes: encodeUtf8(`${DRILL_PREFIX}anything`) });
    expect(outcome(raw)).toBe('MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL');
  });
});
