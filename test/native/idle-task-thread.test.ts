/** The addon's idle-task thread: timers that fire whatever the task's own thread does, and the watchdog. */
import { type NativeSignalPort, native } from '@finch/native';
import { eventually } from '../support/deadline';

const THREAD = 9;
const IDLE = 0x02;
const UPDATE = 0x40;
const LONG_US = 3_600_000_000;
const EALREADY = 114;

const taskRef = (slot: number) => THREAD * 2 ** 46 + 2 ** 22 + slot;

let port: NativeSignalPort;
let fired: { slot: number; events: number; atUs: number }[];
const into = new Uint32Array(3 * 64);

beforeEach(() => {
  fired = [];
  port = new native.SignalPort(THREAD, () => {
    const atUs = native.nowUs();
    const count = port.drain(into);
    for (let at = 0; at < count * 3; at += 3) fired.push({ slot: into[at]!, events: into[at + 2]!, atUs });
  });
  expect(native.idleThreadStart()).toBe(0);
});

afterEach(() => {
  native.idleThreadStop();
  port.close();
});

const slots = () => fired.map(({ slot }) => slot);

describe('an idle timer', () => {
  it('signals idle once, not before its time', async () => {
    const setUs = native.nowUs();
    native.idleTimerSet(taskRef(1), 3000);
    expect(native.idleTimerCount()).toBe(1);
    await eventually(() => expect(slots()).toEqual([1]));
    expect(fired[0]!.events).toBe(IDLE);
    expect(fired[0]!.atUs).toBeGreaterThanOrEqual(setUs + 3000);
    expect(native.idleTimerCount()).toBe(0);
    native.idleTimerSet(taskRef(2), 0);
    await eventually(() => expect(slots()).toEqual([1, 2]));
  });

  it('set earlier fires at the earlier time', async () => {
    native.idleTimerSet(taskRef(1), LONG_US);
    native.idleTimerSet(taskRef(1), 1000);
    expect(native.idleTimerCount()).toBe(1);
    await eventually(() => expect(slots()).toEqual([1]));
    expect(native.idleTimerCount()).toBe(0);
  });

  it('set later does not fire at the earlier time', async () => {
    native.idleTimerSet(taskRef(1), 2000);
    native.idleTimerSet(taskRef(1), LONG_US);
    native.idleTimerSet(taskRef(2), 4000);
    await eventually(() => expect(slots()).toEqual([2]));
    expect(native.idleTimerCount()).toBe(1);
  });

  it('cancelled never fires', async () => {
    native.idleTimerSet(taskRef(1), 2000);
    native.idleTimerCancel(taskRef(1));
    native.idleTimerCancel(taskRef(5));
    native.idleTimerSet(taskRef(2), 4000);
    await eventually(() => expect(slots()).toEqual([2]));
    expect(native.idleTimerCount()).toBe(0);
  });

  it('fires in the order of deadlines, whatever the order of setting', async () => {
    const nowUs = native.nowUs();
    [3, 1, 2].forEach((slot) => {
      native.idleTimerSet(taskRef(slot), slot * 4000 - (native.nowUs() - nowUs));
    });
    await eventually(() => expect(slots()).toEqual([1, 2, 3]));
  });

  it('for a thread that is gone is dropped', async () => {
    native.idleTimerSet(63 * 2 ** 46 + 2 ** 22, 0);
    native.idleTimerSet(taskRef(1), 1000);
    await eventually(() => expect(slots()).toEqual([1]));
    expect(native.idleTimerCount()).toBe(0);
  });
});

describe('the idle-task thread', () => {
  it('starts once, and drops its timers when it stops', async () => {
    expect(native.idleThreadStart()).toBe(-EALREADY);
    native.idleTimerSet(taskRef(1), LONG_US);
    native.idleThreadStop();
    native.idleThreadStop();
    expect(native.idleTimerCount()).toBe(0);
    expect(native.idleThreadStart()).toBe(0);
    native.idleTimerSet(taskRef(2), 2000);
    await eventually(() => expect(slots()).toEqual([2]));
  });
});

describe('the watchdog', () => {
  it('tells the supervisor once of a run that lasts, and again of the next one', async () => {
    const page = new Float64Array(new SharedArrayBuffer(64));
    native.watchThread(page, 3, 2000, taskRef(7));
    native.idleTimerSet(taskRef(1), 6000);
    await eventually(() => expect(slots()).toEqual([1])); // nothing runs: nothing to tell
    page[3] = native.nowUs();
    await eventually(() => expect(slots()).toEqual([1, 7]));
    expect(fired[1]!.events).toBe(UPDATE);
    expect(fired[1]!.atUs - page[3]!).toBeGreaterThanOrEqual(2000);
    native.idleTimerSet(taskRef(2), 8000);
    await eventually(() => expect(slots()).toEqual([1, 7, 2]));
    page[3] = native.nowUs();
    await eventually(() => expect(slots()).toEqual([1, 7, 2, 7]));
    page[3] = 0;
  });
});
