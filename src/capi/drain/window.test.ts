import { describe, expect, it } from 'vitest';
import { drainSettingsSchema } from './settings.ts';
import { isOpen, opensAtMs, parseTimeOfDay } from './window.ts';

const windowOf = (window: object) => drainSettingsSchema.parse({ window }).window;
const at = (time: string): number => Date.parse(time);

describe('the window of machine drain', () => {
  it.each<[string, object, string, boolean]>([
    ['is open always, by default', {}, '2026-11-22T23:59:59Z', true],
    ['is closed before its start', { start: '9am', end: '5pm' }, '2026-11-23T08:59:59Z', false],
    ['is open at its start', { start: '9am', end: '5pm' }, '2026-11-23T09:00:00Z', true],
    ['is open at its end', { start: '9am', end: '17:00' }, '2026-11-23T17:00:00Z', true],
    ['is closed after its end', { start: '9am', end: '17:00' }, '2026-11-23T17:00:01Z', false],
    ['spans midnight', { start: '22:00', end: '4am' }, '2026-11-23T23:00:00Z', true],
    ['spans midnight, until its end', { start: '22:00', end: '4am' }, '2026-11-23T03:59:00Z', true],
    ['spans midnight, and is closed by day', { start: '22:00', end: '4am' }, '2026-11-23T12:00:00Z', false],
    ['is open on its days', { days: ['mon', 'Tuesday'] }, '2026-11-23T12:00:00Z', true],
    ['is closed on others', { days: ['tu', 'wed'] }, '2026-11-23T12:00:00Z', false],
    ['is in its time zone', { start: '9am', timeZone: 'America/New_York' }, '2026-11-23T13:59:00Z', false],
    ['is in its time zone, too', { start: '9am', timeZone: 'America/New_York' }, '2026-11-23T14:00:00Z', true],
    ['has the days of its time zone', { days: ['sun'], timeZone: 'Asia/Tokyo' }, '2026-11-21T15:00:00Z', true],
  ])('%s', (_, window, time, expected) => {
    expect(isOpen(windowOf(window), at(time))).toBe(expected);
  });

  it('says when it opens next', () => {
    const window = windowOf({ days: ['mo'], start: '22:00' });
    expect(opensAtMs(window, at('2026-11-23T23:30:00Z'))).toBe(at('2026-11-23T23:30:00Z'));
    expect(opensAtMs(window, at('2026-11-24T00:00:10Z'))).toBe(at('2026-11-30T22:00:00Z'));
  });

  it.each([
    ['12am', 0],
    ['12pm', 43_200],
    ['9:30pm', 77_400],
    ['23:59:59', 86_399],
    ['0:00', 0],
    ['24:00', undefined],
    ['13pm', undefined],
    ['9', undefined],
    ['noon', undefined],
  ])('reads %s as a time of day', (text, seconds) => {
    expect(parseTimeOfDay(text)).toBe(seconds);
  });

  it.each([
    [{ days: ['someday'] }, 'a day of the week'],
    [{ days: [] }, 'expected array'],
    [{ start: '25:00' }, 'a time of day'],
    [{ timeZone: 'Mars/Olympus' }, 'a time zone'],
  ])('refuses %o', (window, words) => {
    expect(() => windowOf(window)).toThrow(words);
  });
});
