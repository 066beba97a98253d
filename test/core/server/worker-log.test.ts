/** The log of a worker: many lines in one message, in order, and urgent ones at once. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { LogLevel } from '@finch/core';
import type { LogLine } from '@finch/core/server/thread-messages';
import { WorkerLog } from '@finch/core/server/worker-log';
import { eventually } from '../../support/deadline';

let channel: MessageChannel;

beforeEach(() => {
  channel = new MessageChannel();
});
afterEach(() => channel.port1.close());

function logOf(level: LogLevel): WorkerLog {
  return new WorkerLog(channel.port1, level);
}

/** The lines of the next message, if one has come. */
function nextMessage(): string[] | undefined {
  const received = receiveMessageOnPort(channel.port2) as { message: { lines: LogLine[] } } | undefined;
  return received?.message.lines.map(({ level, message, fields }) => `${level} ${fields.area} ${message}`);
}

it('gathers lines of all areas, and sends them soon', async () => {
  const lines = logOf('debug');
  lines.of('rtsp').info('one');
  lines.of('core').debug('two');
  expect(nextMessage()).toBeUndefined();
  await eventually(() => expect(nextMessage()).toEqual(['info rtsp one', 'debug core two']));
});

it('sends an urgent line at once, behind those before it', () => {
  const log = logOf('debug').of('rtsp');
  log.info('one');
  log.warn('two');
  expect(nextMessage()).toEqual(['info rtsp one', 'warn rtsp two']);
  log.error('three');
  expect(nextMessage()).toEqual(['error rtsp three']);
});

it('drops what nobody will see', () => {
  const lines = logOf('warn');
  lines.of('rtsp').info('one');
  lines.flush();
  expect(nextMessage()).toBeUndefined();
});

it('sends what waits when it is told to, once', () => {
  const lines = logOf('info');
  lines.of('rtsp').info('one', { place: 3 });
  lines.flush();
  expect(nextMessage()).toEqual(['info rtsp one']);
  lines.flush();
  expect(nextMessage()).toBeUndefined();
});

it('does not gather without end', () => {
  const log = logOf('info').of('rtsp');
  for (let i = 0; i < 1000; i++) log.info(String(i));
  const sizes: number[] = [];
  for (let lines = nextMessage(); lines !== undefined; lines = nextMessage()) sizes.push(lines.length);
  expect(sizes).toEqual([256, 256, 256]);
});
