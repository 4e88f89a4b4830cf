import { describe, expect, it } from 'vitest';
import { messageOf } from './error-message.ts';

describe('`messageOf()`', () => {
  it('names each address that was tried', () => {
    expect(messageOf(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('connect EACCES')]))).toBe(
      'connect ECONNREFUSED ::1:1, connect EACCES',
    );
  });

  it('takes whatever was thrown', () => {
    expect(messageOf('text')).toBe('text');
  });
});
