/** What TLS records may hold besides content: the allowance, what gives it back, and whom it ends. */
import { RECORD_ALLOWANCE_BYTES, RECORD_LOOK_MS, RecordWatch } from '@finch/core/net/record-watch';

/** The longest record, and what it holds. */
const RECORD_BYTES = 16_645;
const CONTENT_BYTES = 16_384;
/** A request of 40 bytes, encrypted. */
const REQUEST_BYTES = { raw: 69, content: 40 };

let watch: RecordWatch;

beforeEach(() => {
  jest.useFakeTimers();
  watch = new RecordWatch();
});
afterEach(() => {
  jest.useRealTimers();
});

class Connection {
  rawBytes = 0;
  contentBytes = 0;
  ends = 0;
  constructor() {
    watch.add(this);
  }
  receive(rawBytes: number, contentBytes = 0): void {
    this.rawBytes += rawBytes;
    this.contentBytes += contentBytes;
  }
  allowanceSpent(): void {
    this.ends++;
  }
}

const look = (times = 1) => jest.advanceTimersByTime(RECORD_LOOK_MS * times);

describe('a connection', () => {
  it('ends once, at the next look, when its records hold nothing, and others stay', () => {
    const [flooding, other] = [new Connection(), new Connection()];
    flooding.receive(RECORD_ALLOWANCE_BYTES * 2);
    expect(flooding.ends).toBe(0);
    look();
    flooding.receive(RECORD_ALLOWANCE_BYTES * 2);
    look(5);
    expect([flooding.ends, other.ends]).toEqual([1, 0]);
  });

  it('ends when they hold too little', () => {
    const connection = new Connection();
    for (let i = 0; i < 50; i++) {
      connection.receive(2700, 100);
      look();
    }
    expect(connection.ends).toBe(1);
  });

  it('stays while long records come in part, and then their end', () => {
    const connection = new Connection();
    for (let i = 0; i < 100; i++) {
      connection.receive(RECORD_BYTES - 1);
      look();
      connection.receive(1, CONTENT_BYTES);
      look();
    }
    expect(connection.ends).toBe(0);
  });

  it('stays that sends as many small requests as it likes', () => {
    const connection = new Connection();
    for (let i = 0; i < 1000; i++) {
      connection.receive(100 * REQUEST_BYTES.raw, 100 * REQUEST_BYTES.content);
      look();
    }
    expect(connection.ends).toBe(0);
  });

  it('stays that says little, for days', () => {
    const connection = new Connection();
    for (let i = 0; i < 2000; i++) {
      connection.receive(29, 2);
      look(20);
    }
    expect(connection.ends).toBe(0);
  });
});

it('looks at nobody when all are gone, and again when one comes', () => {
  const first = new Connection();
  expect(jest.getTimerCount()).toBe(1);
  watch.remove(first);
  watch.remove(first);
  expect(jest.getTimerCount()).toBe(0);
  const second = new Connection();
  second.receive(RECORD_ALLOWANCE_BYTES * 2);
  look();
  expect([second.ends, jest.getTimerCount()]).toEqual([1, 0]);
});
