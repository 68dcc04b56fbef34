import { UsageError } from '@ckm/foundation';

/** The first digits of a key's id, as an operator types them. @throws UsageError `OPERATOR_INPUT_INVALID` */
export function parseKeyId(text: string): string {
  const id = text.toLowerCase();
  if (/^[0-9a-f]{4,64}$/.test(id)) return id;
  throw inputInvalid('the id of a key is 4 to 64 hex digits', 'copy it from: ckm server keys FOLDER');
}

/** The XID of the account a key belongs to, when it is named. @throws UsageError `OPERATOR_INPUT_INVALID` */
export function parseOwner(text: string | undefined): string | undefined {
  const xid = text?.toLowerCase();
  if (xid === undefined || /^[0-9a-f]{64}$/.test(xid)) return xid;
  throw inputInvalid('--owner is 64 hex digits', 'copy it from: ckm server accounts list FOLDER --json');
}

/** An invite, by the first digits of its id or by its code. @throws UsageError `OPERATOR_INPUT_INVALID` */
export function parseInvite(text: string): string {
  const isCode = text.replace(/[\s-]/g, '').length === CODE_LETTERS;
  if (isCode || /^[0-9a-f]{4,16}$/i.test(text)) return text;
  throw inputInvalid(
    'an invite is named by 4 to 16 hex digits of its id, or by its code',
    'copy the digits from: ckm server invite list FOLDER',
  );
}

const CODE_LETTERS = 20;

function inputInvalid(what: string, hint: string): UsageError {
  return new UsageError(what, { code: 'OPERATOR_INPUT_INVALID', hint });
}
