import { expect, it } from 'vitest';
import { Pulse } from './pulse.ts';

it('`Pulse` is not faint while nothing is under way, however long', () => {
  const pulse = new Pulse(2000);
  expect(pulse.isFaint(0)).toBe(false);
  pulse.sent(0);
  pulse.answered(10);
  pulse.settled();
  expect(pulse.isFaint(1_000_000)).toBe(false);
});

it('`Pulse` is faint when requests are under way and none is answered for the given time', () => {
  const pulse = new Pulse(2000);
  pulse.sent(1000);
  pulse.sent(2900);
  expect(pulse.isFaint(3000)).toBe(false);
  expect(pulse.isFaint(3001)).toBe(true);
});

it('`Pulse` counts from the last answer, so that a slow server that answers is not given up', () => {
  const pulse = new Pulse(2000);
  pulse.sent(0);
  pulse.sent(0);
  pulse.answered(1900);
  pulse.settled();
  expect(pulse.isFaint(3900)).toBe(false);
  expect(pulse.isFaint(3901)).toBe(true);
});

it('`Pulse` counts from the next request after a pause', () => {
  const pulse = new Pulse(2000);
  pulse.sent(0);
  pulse.settled();
  pulse.sent(10_000);
  expect(pulse.isFaint(12_000)).toBe(false);
});

it('`Pulse` that was lost is faint until an answer, and says once that it is news', () => {
  const pulse = new Pulse(2000);
  expect(pulse.lost()).toBe(true);
  expect(pulse.lost()).toBe(false);
  expect(pulse.isFaint(0)).toBe(true);
  pulse.answered(1);
  expect(pulse.isFaint(1)).toBe(false);
  expect(pulse.lost()).toBe(true);
});
