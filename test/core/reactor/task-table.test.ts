import { TaskEntry } from '@finch/core/reactor/task-entry';
import { TaskLane } from '@finch/core/reactor/task-lane';
import { generationOf, slotOf, threadIndexOf } from '@finch/core/reactor/task-ref';
import { TaskTable } from '@finch/core/reactor/task-table';
import { makeRig, ScriptedTask } from './scripted-task';

function entry(): TaskEntry {
  return new TaskEntry(new ScriptedTask(makeRig().thread), new TaskLane(), 1, 'ScriptedTask', '', 0);
}

describe('TaskTable', () => {
  it('gives references of its thread that find their task', () => {
    const table = new TaskTable(9);
    const entries = [entry(), entry()];
    for (const each of entries) table.add(each);
    expect(entries.map(({ ref }) => [threadIndexOf(ref), slotOf(ref)])).toEqual([
      [9, 0],
      [9, 1],
    ]);
    for (const each of entries) expect(table.find(slotOf(each.ref), generationOf(each.ref))).toBe(each);
    expect([...table]).toEqual(entries);
    expect(table.count).toBe(2);
  });

  it('lets a stale reference find nothing, also when its slot is used again (B-32)', () => {
    const table = new TaskTable(0);
    const [older, newer] = [entry(), entry()];
    table.add(older);
    table.remove(older);
    expect(table.find(slotOf(older.ref), generationOf(older.ref))).toBeUndefined();
    table.add(newer);
    expect(slotOf(newer.ref)).toBe(slotOf(older.ref));
    expect(table.find(slotOf(older.ref), generationOf(older.ref))).toBeUndefined();
    expect(table.find(slotOf(newer.ref), generationOf(newer.ref))).toBe(newer);
    expect(table.count).toBe(1);
  });

  it('finds nothing in slots that were never used', () => {
    expect(new TaskTable(0).find(3, 1)).toBeUndefined();
  });
});
