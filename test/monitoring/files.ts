/** The shipped alerting rules and dashboard. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const ROOT = resolve(import.meta.dirname, '../..');
const FILES = join(ROOT, 'charts/maintenance-bridge/files');
export const ALERTS_PATH = join(FILES, 'alerts.yaml');

const ruleSchema = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
});
export type Rule = z.infer<typeof ruleSchema>;

const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema) })),
});

export const RULES: readonly Rule[] = rulesSchema
  .parse(parse(readFileSync(ALERTS_PATH, 'utf8')))
  .groups.flatMap(({ rules }) => rules);

const datasourceSchema = z.strictObject({ type: z.literal('prometheus'), uid: z.string() });
const gridPosSchema = z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() });

/** A panel with data; a row only has a title. */
const panelSchema = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries']),
  title: z.string(),
  description: z.string(),
  datasource: datasourceSchema,
  gridPos: gridPosSchema,
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }),
  targets: z.array(z.object({ refId: z.string(), datasource: datasourceSchema, expr: z.string() })).min(1),
});
const rowSchema = z.object({ id: z.int(), type: z.literal('row'), title: z.string(), gridPos: gridPosSchema });

const dashboardSchema = z.object({
  uid: z.string(),
  schemaVersion: z.int(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(z.discriminatedUnion('type', [rowSchema, panelSchema])),
});
export type Panel = z.infer<typeof panelSchema>;

export const DASHBOARD = dashboardSchema.parse(
  JSON.parse(readFileSync(join(FILES, 'dashboards/maintenance-bridge.json'), 'utf8')),
);
export const PANELS: readonly Panel[] = DASHBOARD.panels.filter((panel) => panel.type !== 'row');

/** Every shipped expression, with its location. */
export const EXPRESSIONS: readonly { readonly where: string; readonly expr: string }[] = [
  ...RULES.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
  ...PANELS.flatMap(({ title, targets }) =>
    targets.map(({ refId, expr }) => ({ where: `panel "${title}" ${refId}`, expr })),
  ),
];
