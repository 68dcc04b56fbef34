/** Of all packages here and of the command; what the first heading of CHANGELOG.md is about. */
export const VERSION = '0.2.0';
