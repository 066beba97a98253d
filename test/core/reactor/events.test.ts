import { kReadable, kWritable, TaskEvent } from '@finch/core/reactor/events';

describe('TaskEvent', () => {
  it('keeps the bits of its ancestor (B-1 to B-7); the addon raises them by value', () => {
    expect(TaskEvent).toEqual({
      kill: 0x01,
      idle: 0x02,
      start: 0x04,
      timeout: 0x08,
      read: 0x10,
      write: 0x20,
      update: 0x40,
    });
  });

  it('asks for readiness with two bits that may be joined', () => {
    expect([kReadable, kWritable]).toEqual([1, 2]);
  });
});
