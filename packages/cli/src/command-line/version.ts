/** Of this program and of the packages it is built with. */
export const VERSION = '0.1.0';
