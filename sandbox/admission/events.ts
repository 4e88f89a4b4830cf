/**
 * Validation of Events (kubernetes `pkg/apis/core/validation/events.go`), which is stricter for events.k8s.io/v1 than for the core group.
 */
import { type Cause, invalidValue, required } from '../errors.ts';
import { isSame, type JsonObject, numberOf, objectOf, textOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { qualifiedNameFaults } from './names.ts';

const MAX_LENGTH = 128;
const MAX_NOTE = 1024;
const FIXED = ['regarding', 'reason', 'note', 'type', 'eventTime', 'action', 'related', 'reportingInstance'];

/** Faults name the fields of the core kind, in whichever version the Event is sent. */
export function eventCauses(event: JsonObject, { group }: Resource): readonly Cause[] {
  const isNew = group !== '';
  const controller = isNew ? 'reportingController' : 'reportingComponent';
  const namespace = textOf(objectOf(event.metadata).namespace);
  const about = textOf(objectOf(isNew ? event.regarding : event.involvedObject).namespace);
  const mismatch = invalidValue('involvedObject.namespace', about, 'does not match event.namespace');
  if (textOf(event.eventTime) === '') {
    const isElsewhere = about === '' ? namespace !== 'default' : about !== namespace;
    return [...(isElsewhere ? [mismatch] : []), ...(isNew ? newCauses(event) : [])];
  }
  const note = textOf(isNew ? event.note : event.message);
  return [
    ...(about === '' && namespace !== 'default' && namespace !== 'kube-system' ? [mismatch] : []),
    ...(textOf(event[controller]) === '' ? [required(controller)] : []),
    ...qualifiedNameFaults(textOf(event[controller])).map((why) => invalidValue(controller, event[controller], why)),
    ...['reportingInstance', 'action', 'reason'].flatMap((field) => shortTextCauses(event, field)),
    ...(note.length > MAX_NOTE ? [invalidValue('message', '', `can have at most ${MAX_NOTE} characters`)] : []),
    ...(isNew ? newCauses(event) : []),
  ];
}

/** Fields of an Event of events.k8s.io/v1 that must not change. */
export function eventChangeCauses(after: JsonObject, before: JsonObject): readonly Cause[] {
  if (after.regarding === undefined && after.note === undefined) return [];
  const names: Readonly<Record<string, string>> = { regarding: 'involvedObject', note: 'message' };
  return [...FIXED, 'reportingController']
    .filter((field) => !isSame(after[field], before[field]))
    .map((field) => invalidValue(names[field] ?? field, after[field], 'field is immutable'));
}

function shortTextCauses(event: JsonObject, field: string): Cause[] {
  const text = textOf(event[field]);
  if (text === '') return [required(field)];
  return text.length > MAX_LENGTH ? [invalidValue(field, '', `can have at most ${MAX_LENGTH} characters`)] : [];
}

function newCauses({ eventTime, type, series }: JsonObject): Cause[] {
  const { count, lastObservedTime } = objectOf(series);
  const isSeries = series !== undefined;
  return [
    ...(isSeries && (numberOf(count) ?? 0) < 2 ? [invalidValue('series.count', '', 'should be at least 2')] : []),
    ...(isSeries && textOf(lastObservedTime) === '' ? [required('series.lastObservedTime')] : []),
    ...(textOf(eventTime) === '' ? [required('eventTime')] : []),
    ...(type === 'Normal' || type === 'Warning'
      ? []
      : [invalidValue('type', '', `has invalid value: ${textOf(type)}`)]),
  ];
}
