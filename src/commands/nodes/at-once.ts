/** Fast for hundreds of Nodes, and no burden for an API server. */
const AT_ONCE = 16;

/**
 * Works on all items, some of them at the same time, in their order.
 *
 * @throws what `work` threw first, when the items that were begun before have ended.
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
