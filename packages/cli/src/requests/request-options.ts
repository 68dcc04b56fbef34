import { REQUEST_FIELDS, type RequestField } from '@ckm/requests';
import { Option } from 'commander';

const CONTENT = 'What to sign (one of):';

/** The options of `ckm sign` that say what is signed: the fields of every kind of request. */
export function requestOptions(): readonly Option[] {
  const fields = Object.values(REQUEST_FIELDS).flat();
  const isContent = ({ role }: RequestField) => role === 'content' || role === 'kind';
  return [
    ...fields.filter(isContent).map((field) => optionOf(field).helpGroup(CONTENT)),
    ...fields.filter((field) => !isContent(field)).map(optionOf),
  ];
}

/** `--ssh-namespace` */
export function flagOf({ name }: RequestField): string {
  return `--${name}`;
}

/** By what name commander hands it over: `sshNamespace`. */
export function keyOf(field: RequestField): string {
  return optionOf(field).attributeName();
}

function optionOf(field: RequestField): Option {
  const { takes, placeholder = takes, what } = field;
  return new Option(takes === 'nothing' ? flagOf(field) : `${flagOf(field)} <${placeholder}>`, what);
}
