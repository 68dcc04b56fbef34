/** The primitives picked for this runtime through the `#primitives` entry of package.json. */
export { primitives } from '#primitives';
