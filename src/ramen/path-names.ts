/**
 * Names that are safe in a request's path. An API server answers a name with a slash in it, encoded or not, with a 404 that looks as if the
 * object were absent (observed with 1.36), so names are checked before any request.
 */

/**
 * Like apimachinery `path.IsValidPathSegmentName`, without characters that have a meaning in a URL. Roles have names such as
 * `system:node@x`.
 */
const NAME = /^(?!\.{1,2}$)[!-~]+$/;
const NOT_IN_A_PATH = /[/%?#\\]/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const GROUP = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const VERSION = /^[a-z][a-z0-9]*$/;
const KIND = /^[A-Za-z][A-Za-z0-9]*$/;
const PLURAL = /^[a-z][-a-z0-9]*$/;

const fits = (text: string, form: RegExp, max: number): boolean => text.length <= max && form.test(text);

export const isObjectName = (text: string): boolean => fits(text, NAME, 253) && !NOT_IN_A_PATH.test(text);
export const isNamespaceName = (text: string): boolean => fits(text, NAMESPACE, 63);
/** Empty for the core group. */
export const isGroupName = (text: string): boolean => text === '' || fits(text, GROUP, 253);
export const isVersionName = (text: string): boolean => fits(text, VERSION, 63);
export const isKindName = (text: string): boolean => fits(text, KIND, 63);
export const isPluralName = (text: string): boolean => fits(text, PLURAL, 63);
