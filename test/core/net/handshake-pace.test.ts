/** The pace of handshakes, on a virtual clock. */
import {
  HANDSHAKE_INTERVAL_US,
  HandshakePace,
  MAX_WAITING_HANDSHAKES,
  MAX_WAITING_SURPLUS,
} from '@finch/core/net/handshake-pace';
import { TaskEvent } from '@finch/core/reactor/events';
import { makeRig } from '../reactor/scripted-task';

const { machine, thread } = makeRig();
let pace: HandshakePace;
let begunUs: number[];
let dropped: number;

beforeEach(() => {
  pace = new HandshakePace(thread);
  begunUs = [];
  dropped = 0;
});

function add(count: number, mostWaiting?: number): void {
  for (let i = 0; i < count; i++)
    pace.add(
      {
        begin: () => begunUs.push(thread.nowUs),
        drop: () => {
          dropped++;
        },
      },
      mostWaiting,
    );
}

/** The time between each two beginnings. */
const gapsUs = () => begunUs.slice(1).map((us, i) => us - begunUs[i]!);

describe('HandshakePace', () => {
  it('begins who comes alone at once', () => {
    const comesUs = machine.clock.nowUs();
    add(1);
    machine.advanceUs(1_000_000);
    add(1);
    machine.advanceUs(1_000_000);
    expect(begunUs).toEqual([comesUs, comesUs + 1_000_000]);
  });

  it('begins a crowd one after another, also while more come', () => {
    add(20);
    for (let i = 0; i < 20; i++) {
      machine.advanceUs(1000);
      add(1);
    }
    machine.advanceUs(1_000_000);
    expect(begunUs.length).toBe(40);
    expect(Math.min(...gapsUs())).toBeGreaterThanOrEqual(HANDSHAKE_INTERVAL_US);
    expect(dropped).toBe(0);
  });

  it('drops those that are too many', () => {
    add(MAX_WAITING_HANDSHAKES + 3);
    expect(dropped).toBe(3);
    machine.advanceUs((MAX_WAITING_HANDSHAKES + 1) * HANDSHAKE_INTERVAL_US * 2);
    expect([begunUs.length, dropped]).toEqual([MAX_WAITING_HANDSHAKES, 3]);
  });

  it('drops surplus clients who could not be told in time', () => {
    add(MAX_WAITING_SURPLUS - 1);
    add(3, MAX_WAITING_SURPLUS);
    expect(dropped).toBe(2);
    add(3);
    expect(dropped).toBe(2);
    machine.advanceUs((MAX_WAITING_SURPLUS + 5) * HANDSHAKE_INTERVAL_US * 2);
    expect([begunUs.length, dropped]).toEqual([MAX_WAITING_SURPLUS + 3, 2]);
    expect(begunUs[MAX_WAITING_SURPLUS]! - begunUs[0]!).toBeLessThanOrEqual(2_000_000);
  });

  it('drops those that wait when it is killed, and those that come later', () => {
    add(3);
    pace.signal(TaskEvent.kill);
    machine.advanceUs(1000);
    add(1);
    machine.advanceUs(1_000_000);
    expect([begunUs.length, dropped]).toEqual([0, 4]);
  });
});
