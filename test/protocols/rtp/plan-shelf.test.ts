/** What is kept in case another viewer comes by: bounded in bytes, the oldest goes first. */
import { PlanShelf } from '@finch/rtp/plan-shelf';

function planOf(name: string, sizeBytes: number, gone: string[]): { sizeBytes: number; giveUp(): void } {
  return { sizeBytes, giveUp: () => gone.push(name) };
}

describe('the plan shelf', () => {
  it('gives up what has lain longest when there is too much', () => {
    const gone: string[] = [];
    const shelf = new PlanShelf(100);
    const first = planOf('first', 40, gone);
    shelf.add(first);
    shelf.add(planOf('second', 40, gone));
    shelf.remove(first);
    shelf.add(first);
    shelf.add(planOf('third', 40, gone));
    expect(gone).toEqual(['second']);
    expect(shelf.sizeBytes).toBe(80);
  });

  it('keeps nothing that is larger than itself', () => {
    const gone: string[] = [];
    const shelf = new PlanShelf(100);
    shelf.add(planOf('large', 101, gone));
    expect([gone, shelf.sizeBytes]).toEqual([['large'], 0]);
  });

  it('gives up one by one, and says when it is empty', () => {
    const gone: string[] = [];
    const shelf = new PlanShelf();
    for (const name of ['a', 'b']) shelf.add(planOf(name, 1, gone));
    expect([shelf.giveUpOldest(), shelf.giveUpOldest(), shelf.giveUpOldest()]).toEqual([true, true, false]);
    expect(gone).toEqual(['a', 'b']);
  });

  it('does not know a plan twice, nor one that is not there', () => {
    const shelf = new PlanShelf();
    const plan = planOf('a', 7, []);
    shelf.add(plan);
    shelf.add(plan);
    shelf.remove(planOf('b', 3, []));
    expect(shelf.sizeBytes).toBe(7);
  });

  it('refuses a limit below 0', () => {
    expect(() => new PlanShelf(-1)).toThrow(RangeError);
  });
});
