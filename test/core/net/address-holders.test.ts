/** Who holds an address: all who said so, until they say otherwise. */
import { AddressHolders, MAX_ADDRESS_HOLDERS, SocketAddress } from '@finch/core';

const here = SocketAddress.of('192.0.2.1', 5000);

it('are all who were added, in that order, each once', () => {
  const holders = new AddressHolders<string>();
  for (const holder of ['first', 'second', 'first']) holders.add(here, holder);
  expect(holders.of(SocketAddress.of('192.0.2.1', 5000))).toEqual(['first', 'second']);
  expect(holders.of(here.withPort(5001))).toEqual([]);
  expect(holders.size).toBe(1);
});

it('are forgotten with the last of them, and nobody is removed by another', () => {
  const holders = new AddressHolders<string>();
  holders.add(here, 'first');
  holders.add(here, 'second');
  holders.remove(here, 'third');
  holders.remove(here, 'first');
  expect([holders.of(here), holders.size]).toEqual([['second'], 1]);
  holders.remove(here, 'second');
  holders.remove(here, 'second');
  expect([holders.of(here), holders.size]).toEqual([[], 0]);
  holders.add(here, 'first');
  holders.clear();
  expect(holders.size).toBe(0);
});

it('may be changed by one of them while they are told', () => {
  const holders = new AddressHolders<string>();
  for (const holder of ['first', 'second']) holders.add(here, holder);
  const told: string[] = [];
  for (const holder of holders.of(here)) {
    told.push(holder);
    holders.remove(here, holder);
  }
  expect(told).toEqual(['first', 'second']);
});

it('are bounded in number: who comes when there are too many has no place until another goes', () => {
  const holders = new AddressHolders<number>();
  const all = Array.from({ length: MAX_ADDRESS_HOLDERS }, (_, i) => i);
  for (const holder of [...all, 100]) holders.add(here, holder);
  expect(holders.of(here)).toEqual(all);
  holders.remove(here, 100);
  holders.remove(here, 0);
  holders.add(here, 100);
  expect(holders.of(here)).toEqual([...all.slice(1), 100]);
});
