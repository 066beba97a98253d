import { TaskClasses } from '@finch/core/reactor/task-classes';

class Listener {}
class Session {}

describe('TaskClasses', () => {
  it('numbers each class of each module once, from 1, and tells of it once', () => {
    const told: [number, string, string][] = [];
    const classes = new TaskClasses((...taskClass) => void told.push(taskClass));
    const ids = [
      classes.of(new Listener(), 'rtsp'),
      classes.of(new Session(), 'rtsp'),
      classes.of(new Listener(), 'rtsp'),
      classes.of(new Listener(), 'http'),
    ].map(({ classId }) => classId);
    expect(ids).toEqual([1, 2, 1, 3]);
    expect(told).toEqual([
      [1, 'Listener', 'rtsp'],
      [2, 'Session', 'rtsp'],
      [3, 'Listener', 'http'],
    ]);
    expect(classes.find(2)).toEqual({ classId: 2, className: 'Session', moduleName: 'rtsp' });
    expect([classes.find(0), classes.find(4)]).toEqual([undefined, undefined]);
  });
});
