/** Requests of the cluster's controllers to its API server that are not open to every client. */
import type { SandboxApi } from '../../api.ts';

export interface ClusterAccess extends SandboxApi {
  /** Like the scheduler's `POST pods/NAME/binding`: sets `spec.nodeName` and condition `PodScheduled`. @throws ApiError 404, 409 */
  bind(namespace: string, name: string, node: string): void;
  /** Like `PUT namespaces/NAME/finalize`: the Namespace is removed with the last of its finalizers. */
  finalizeNamespace(name: string, finalizers: readonly string[]): void;
}
