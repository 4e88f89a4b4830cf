import { describe, expect, it } from 'vitest';
import { wordsOf } from './words.ts';

describe('`wordsOf()`', () => {
  it('names each address that was tried', () => {
    expect(wordsOf(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('connect EACCES')]))).toBe(
      'connect ECONNREFUSED ::1:1, connect EACCES',
    );
  });

  it('takes whatever was thrown', () => {
    expect(wordsOf('text')).toBe('text');
  });
});
