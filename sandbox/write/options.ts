/** How a write is to be done: what query parameters and the body's options say. */
import type { FieldValidation } from './decode.ts';

export interface WriteOptions {
  /** Whose fields they become. */
  readonly manager: string;
  /** Everything is checked and answered, and nothing is stored. @default false */
  readonly dryRun?: boolean;
  /** @default 'Ignore' */
  readonly fieldValidation?: FieldValidation;
  /** Told of unknown fields where `fieldValidation` is `Warn`. */
  readonly warn?: (message: string) => void;
}
