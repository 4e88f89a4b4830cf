/** The columns of `kubectl get`, by collection (kubernetes `pkg/printers/internalversion/printers.go`). */
import { ACCESS } from './access-columns.ts';
import { CORE } from './core-columns.ts';
import { DEFINITIONS } from './definition-columns.ts';
import { STORAGE } from './storage-columns.ts';
import type { TableKind } from './table-kind.ts';
import { WORKLOADS } from './workload-columns.ts';

export const TABLES: Readonly<Record<string, TableKind>> = {
  ...CORE,
  ...WORKLOADS,
  ...STORAGE,
  ...ACCESS,
  ...DEFINITIONS,
};
