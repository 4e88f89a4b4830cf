/**
 * The error's own words, for a message that puts them into context; node leaves them empty when several addresses were
 * tried.
 */
export function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(wordsOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
