/** Measures the heap after a garbage collection. */

/** @throws Error in a process without `--expose-gc`. */
export function collectGarbage(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Node.js was started without --expose-gc');
  gc();
  gc();
}

/** Bytes in use after a collection. */
export function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
