/** The options of a write, from query parameters and the body's options. */
import type { FieldValidation } from './decode.ts';

export interface WriteOptions {
  /** The owner of the written fields. */
  readonly manager: string;
  /** The request is checked and answered, but nothing is stored. @default false */
  readonly dryRun?: boolean;
  /** @default 'Ignore' */
  readonly fieldValidation?: FieldValidation;
  /** Called for unknown fields if `fieldValidation` is `Warn`. */
  readonly warn?: (message: string) => void;
}
