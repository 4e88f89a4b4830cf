/** Fast for hundreds of Nodes, and a light load for an API server. */
const AT_ONCE = 16;

/**
 * Works on all items in their order, some of them concurrently.
 *
 * @throws the first error of `work`, when the items that were begun before have ended.
 */
export async function forEachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let fault: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (const item of left) {
      if (fault !== undefined) return;
      try {
        await work(item);
      } catch (error) {
        fault ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (fault !== undefined) throw fault.error;
}
