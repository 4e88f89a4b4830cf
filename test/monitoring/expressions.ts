/** Expressions of rules and panels in a form that returns data from any Prometheus, even if no alert fires. */

/**
 * The expression with the variables of the dashboard replaced as Grafana does for "All", and a fixed range.
 *
 * @param range for `$__rate_interval`.
 */
export function withVariables(expr: string, range: string): string {
  return expr.replaceAll('$namespace', '.*').replaceAll('$job', '.*').replaceAll('$__rate_interval', range);
}

/**
 * The expression without its filters, so that it returns data whenever it could: each comparison
 * returns 0 or 1 (`bool`) instead of dropping series, and expressions about missing data use
 * the data instead: `absent_over_time(x[1d])` becomes `last_over_time(x[1d])`, `unless` becomes `and`. Joins of series
 * (`and on (…)`) are kept: if the labels of the two sides do not match, there is no data, and the alert could never
 * have fired.
 */
export function withoutFilters(expr: string): string {
  return expr
    .replaceAll(/\babsent_over_time(?=\()/g, 'last_over_time')
    .replaceAll(/\bunless\b/g, 'and')
    .replaceAll(/\{[^}]*\}|[=!<>]=|[<>]/g, (token) => (token.startsWith('{') ? token : `${token} bool`));
}
