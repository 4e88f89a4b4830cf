import { expect, it } from 'vitest';
import { Liveness } from './liveness.ts';

it('`Liveness` is not faint while nothing is under way, however long', () => {
  const pulse = new Liveness(2000);
  expect(pulse.isUnresponsive(0)).toBe(false);
  pulse.sent(0);
  pulse.answered(10);
  pulse.settled();
  expect(pulse.isUnresponsive(1_000_000)).toBe(false);
});

it('`Liveness` is faint when requests are under way and none is answered for the given time', () => {
  const pulse = new Liveness(2000);
  pulse.sent(1000);
  pulse.sent(2900);
  expect(pulse.isUnresponsive(3000)).toBe(false);
  expect(pulse.isUnresponsive(3001)).toBe(true);
});

it('`Liveness` counts from the last answer, so that a slow server that answers is not given up', () => {
  const pulse = new Liveness(2000);
  pulse.sent(0);
  pulse.sent(0);
  pulse.answered(1900);
  pulse.settled();
  expect(pulse.isUnresponsive(3900)).toBe(false);
  expect(pulse.isUnresponsive(3901)).toBe(true);
});

it('`Liveness` counts from the next request after a pause', () => {
  const pulse = new Liveness(2000);
  pulse.sent(0);
  pulse.settled();
  pulse.sent(10_000);
  expect(pulse.isUnresponsive(12_000)).toBe(false);
});

it('`Liveness` that was lost is faint until an answer, and says once that it is news', () => {
  const pulse = new Liveness(2000);
  expect(pulse.lost()).toBe(true);
  expect(pulse.lost()).toBe(false);
  expect(pulse.isUnresponsive(0)).toBe(true);
  pulse.answered(1);
  expect(pulse.isUnresponsive(1)).toBe(false);
  expect(pulse.lost()).toBe(true);
});
