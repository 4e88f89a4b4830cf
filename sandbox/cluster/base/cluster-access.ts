/** What the controllers of a cluster may ask of its API server beyond what every client may. */
import type { SandboxApi } from '../../api.ts';

export interface ClusterAccess extends SandboxApi {
  /** As the scheduler's `POST pods/NAME/binding`: sets `spec.nodeName` and condition `PodScheduled`. @throws ApiError 404, 409 */
  bind(namespace: string, name: string, node: string): void;
  /** As `PUT namespaces/NAME/finalize`: the Namespace goes with the last of its finalizers. */
  finalizeNamespace(name: string, finalizers: readonly string[]): void;
}
