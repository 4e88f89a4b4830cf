/** ManifestWorks and ManagedClusterViews as tests read them. */

/** The check that Ramen applies (internal/controller/util/mcv_util.go). */
export function saysAbsent(message: string): boolean {
  return message.endsWith('not found') || message.endsWith('the server could not find the requested resource');
}

export const worksPath = (cluster: string): string =>
  `/apis/work.open-cluster-management.io/v1/namespaces/${cluster}/manifestworks`;
export const viewsPath = (cluster: string): string =>
  `/apis/view.open-cluster-management.io/v1beta1/namespaces/${cluster}/managedclusterviews`;

interface WorkCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

export interface Work {
  readonly metadata: {
    readonly generation: number;
    readonly uid: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly conditions?: readonly WorkCondition[];
    readonly resourceStatus?: {
      readonly manifests: readonly {
        readonly resourceMeta: {
          readonly kind: string;
          readonly name: string;
          readonly resource: string;
          readonly ordinal: number;
        };
        readonly conditions: readonly WorkCondition[];
      }[];
    };
  };
}

export interface View {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: { readonly conditions?: readonly WorkCondition[]; readonly result?: Result };
}

export interface Result {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly managedFields?: unknown };
  readonly [field: string]: unknown;
}

export interface Answered extends WorkCondition {
  readonly result: Result | undefined;
}

export function conditionOf(work: Work, type: string): WorkCondition | undefined {
  return work.status?.conditions?.find((condition) => condition.type === type);
}
