/** Expressions of rules and panels as they can be asked of any Prometheus, in a moment when all is well. */

/**
 * The expression with the variables of the dashboard replaced as Grafana does for "All", and a fixed range.
 *
 * @param range for `$__rate_interval`.
 */
export function withVariables(expr: string, range: string): string {
  return expr.replaceAll('$namespace', '.*').replaceAll('$job', '.*').replaceAll('$__rate_interval', range);
}

/**
 * The expression with its filters turned into answers, so that it has data wherever it could ever have some: each comparison
 * gives 0 or 1 (`bool`) instead of dropping what does not hold, and what has data only where something else has none asks for
 * that instead: `absent_over_time(x[1d])` becomes `last_over_time(x[1d])`, `unless` becomes `and`. What joins series
 * (`and on (…)`) stays as it is: where the labels of the two sides do not match, there is no data, and the alert could never
 * have fired.
 */
export function withoutFilters(expr: string): string {
  return expr
    .replaceAll(/\babsent_over_time(?=\()/g, 'last_over_time')
    .replaceAll(/\bunless\b/g, 'and')
    .replaceAll(/\{[^}]*\}|[=!<>]=|[<>]/g, (token) => (token.startsWith('{') ? token : `${token} bool`));
}
