/** RFC 2326 §12.29, §3.5-§3.7: Range in the unit of the client, and at the time that it names. */
import { parseRange } from '@finch/rtsp/headers/range';
import { formatUtcTime, parseUtcTime } from '@finch/rtsp/headers/utc-time';
import { eventually } from '../support/deadline';
import { itOfFinch, subjectOfFile } from './subject';
import { startOf, Talk, talking } from './talk';

jest.setTimeout(30_000);

const subject = subjectOfFile();
/** What the server's clock and ours may be read apart, in milliseconds. */
const CLOCK_TOLERANCE_MS = 50;
const DAY_MS = 24 * 3600 * 1000;

/** A time so far ahead that what comes before it has been answered by then. */
const soonMs = (aheadMs = 1200): number => Date.now() + aheadMs;
/** A time that does not come in this test. */
const LATER = (): string => formatUtcTime(Date.now() + DAY_MS / 2);
const packetsOf = ({ tracks }: Talk): number => tracks.reduce((sum, { packets }) => sum + packets.length, 0);

const stateOf = (talk: Talk): Promise<string> => askFor(talk, 'state');

async function positionOf(talk: Talk): Promise<number> {
  return Number((await askFor(talk, 'position')).split(': ')[1]);
}

async function askFor(talk: Talk, name: string): Promise<string> {
  const body = `${name}\r\n`;
  talk.client.send(
    `GET_PARAMETER ${talk.aggregateUrl} RTSP/1.0\r\nCSeq: 900\r\nSession: ${talk.session}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return (await talk.client.answer()).text.trim();
}

describe('PLAY with a time', () => {
  itOfFinch('that is to come is answered at once, and begins then where the answer says', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const atMs = soonMs();
      const time = formatUtcTime(atMs);
      const { answer, range, infos } = await talk.play({ Range: `npt=4-;time=${time}` });
      expect(range.timeUtcMs).toBe(parseUtcTime(time));
      expect(startOf(range)).toBeLessThanOrEqual(4);
      expect(talk.packetsBefore(answer)).toBe(0);
      expect(infos.length).toBe(talk.controls.length);
      for (const [method, state] of [
        ['OPTIONS', 'state: ready'],
        ['PLAY', 'state: ready'], // a sign of life alone (§10.5)
      ]) {
        const alive = await talk.expectOk(method!);
        const isStill = Date.now() < atMs - CLOCK_TOLERANCE_MS;
        if (isStill) expect([talk.packetsBefore(alive), await stateOf(talk)]).toEqual([0, state]);
      }
      for (const [place, track] of talk.tracks.entries()) {
        await track.packetsArrived(1);
        expect(Date.now()).toBeGreaterThanOrEqual(atMs - CLOCK_TOLERANCE_MS);
        await track.packetsArrived(3);
        expect(track.packets[0]!.sequenceNumber).toBe(infos[place]!.sequenceNumber);
      }
      expect(talk.tracks[0]!.packets[0]!.timestamp).toBe(infos[0]!.rtpTicks);
    }),
  );

  itOfFinch('that has passed begins now', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const { range } = await talk.play({ Range: 'npt=2-;time=19970123T153600Z' });
      expect(range.timeUtcMs).toBeUndefined();
      await talk.tracks[0]!.packetsArrived(3);
    }),
  );

  itOfFinch('while it plays plays on until then, and moves', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      const atMs = soonMs();
      const { range, infos } = await talk.play({ Range: `npt=20-21;time=${formatUtcTime(atMs)}` });
      expect([startOf(range), infos.length]).toEqual([20, 0]);
      await talk.tracks[0]!.morePackets(3);
      await eventually(async () => expect(await stateOf(talk)).toBe('state: ready'), 15_000);
      talk.tracks[0]!.expectContiguous();
      expect(startOf((await talk.play()).range)).toBeCloseTo(21, 0);
    }),
  );

  itOfFinch('while a range with an end is played moves then, not when that is over', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      const first = await talk.play({ Range: 'npt=0-12' });
      await talk.play({ Range: 'npt=14-15' }); // would wait for the first
      const atMs = soonMs();
      await talk.play({ Range: `npt=20-20.5;time=${formatUtcTime(atMs)}` });
      await eventually(async () => expect(await positionOf(talk)).toBeGreaterThan(17), 15_000);
      expect(Date.now()).toBeGreaterThanOrEqual(atMs - CLOCK_TOLERANCE_MS);
      await eventually(async () => expect(await stateOf(talk)).toBe('state: ready'), 15_000);
      talk.tracks[0]!.expectContiguous();
      expect(talk.playedS(first)).toBeLessThan(11);
      expect(startOf((await talk.play()).range)).toBeCloseTo(20.5, 0);
    }),
  );

  itOfFinch.each([
    ['npt=now-', 'npt=now-'],
    ['npt=now-12', 'npt=now-12.000'],
  ])('and no place, while it plays, is answered with none: %s', (asked, answered) =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=4-10' });
      const time = LATER();
      const { headers } = await talk.expectOk('PLAY', undefined, { Range: `${asked};time=${time}` });
      const end = asked === 'npt=now-' ? talk.durationS.toFixed(3) : '';
      expect(headers.get('Range')).toBe(`${answered}${end};time=${time}`);
      expect(headers.get('RTP-Info')).toBeUndefined();
    }),
  );

  itOfFinch('takes the place of one that waits for its own', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: `npt=10-12;time=${LATER()}` });
      const { range, infos } = await talk.play({ Range: `npt=4-;time=${formatUtcTime(soonMs())}` });
      await talk.tracks[0]!.packetsArrived(3);
      expect(talk.tracks[0]!.packets[0]!.sequenceNumber).toBe(infos[0]!.sequenceNumber);
      expect(startOf(range)).toBeLessThanOrEqual(4);
      expect(await positionOf(talk)).toBeLessThan(9);
    }),
  );

  itOfFinch.each([
    ['a place', { Range: 'npt=8-' }],
    ['a place and an end', { Range: 'npt=8-9' }],
    ['a Scale', { Scale: '2' }],
  ])('gives way to one that comes later with %s, which begins now', (_, headers) =>
    talking(Talk.readyInTime(subject), async (talk) => {
      const atMs = soonMs();
      const waits = await talk.play({ Range: `npt=20-;time=${formatUtcTime(atMs)}` });
      const now = await talk.play(headers);
      expect([now.range.timeUtcMs, now.infos.length]).toEqual([undefined, 2]);
      expect(startOf(now.range)).toBeLessThanOrEqual('Scale' in headers ? startOf(waits.range) : 8);
      const { sequenceNumber } = now.infos[0]!;
      await talk.tracks[0]!.packetsArrived(1);
      expect(talk.tracks[0]!.packets[0]!.sequenceNumber).toBe(sequenceNumber);
      if ('Scale' in headers) return;
      await eventually(() => expect(Date.now()).toBeGreaterThan(atMs + 200));
      expect(await positionOf(talk)).toBeLessThan(15);
    }),
  );

  itOfFinch('does not keep those who play from seeking (§10.5)', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      await talk.play({ Range: `npt=20-21;time=${LATER()}` });
      for (const place of [4, 8, 12]) {
        const { range, infos } = await talk.play({ Range: `npt=${place}-` });
        expect([startOf(range) <= place, infos.length]).toEqual([true, 2]);
        const { sequenceNumber } = infos[0]!;
        const isThere = () =>
          talk.tracks[0]!.packets.some((packet) => packet.sequenceNumber === sequenceNumber);
        await talk.tracks[0]!.until(isThere, `the packet of ${place} s`);
      }
    }),
  );

  itOfFinch('is said again to a PLAY that asks for nothing, a sign of life', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const [first, again] = [await talk.play({ Range: `npt=6-9;time=${LATER()}` }), await talk.play()];
      expect([again.range, again.infos]).toEqual([first.range, first.infos]);
    }),
  );

  itOfFinch('leaves the place of a pause alone as long as it waits', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=4-' });
      await talk.tracks[0]!.packetsArrived(30);
      const placeOf = async () => startOf(parseRange((await talk.expectOk('PAUSE')).headers.get('Range')!));
      const placeS = await placeOf();
      const shownS = await positionOf(talk);
      const atS = { Range: `npt=20-;time=${LATER()}` };
      const waits = await talk.play(atS);
      expect(waits.infos.length).toBe(0);
      expect(waits.range).toEqual((await talk.play()).range);
      expect(await positionOf(talk)).toBe(shownS);
      expect(await placeOf()).toBe(placeS);
      await talk.play(atS);
      const { range } = await talk.play({ Scale: '1' });
      expect(startOf(range)).toBe(placeS);
      await talk.tracks[0]!.morePackets(3);
      talk.tracks[0]!.expectContiguous();
    }),
  );

  itOfFinch.each(['TEARDOWN', 'PAUSE'])('is forgotten by %s', (method) =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const promised = await talk.play({ Range: `npt=6-;time=${LATER()}` });
      const { headers } = await talk.expectOk(method);
      expect(packetsOf(talk)).toBe(0);
      if (method === 'TEARDOWN') {
        talk.session = '';
        return;
      }
      expect(startOf(parseRange(headers.get('Range')!))).toBe(startOf(promised.range));
      const now = await talk.play(); // goes on from where it was told to begin (§10.5)
      expect(startOf(now.range)).toBe(startOf(promised.range));
      expect(now.infos).toEqual(promised.infos);
      await talk.tracks[0]!.packetsArrived(3);
    }),
  );

  itOfFinch.each([
    ['more than a day ahead', () => formatUtcTime(Date.now() + DAY_MS + 60_000)],
    ['in no form that the RFC has', () => 'tomorrow'],
  ])('%s is 457, and changes nothing', (_, time) =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      for (const method of ['PLAY', 'PAUSE']) {
        const refused = await talk.request(method, undefined, { Range: `npt=1-;time=${time()}` });
        expect([refused.status, refused.text]).toEqual([457, expect.stringMatching(/^Range: .*expected/)]);
      }
      expect(await stateOf(talk)).toBe('state: ready');
    }),
  );
});

describe('PAUSE with a time', () => {
  itOfFinch.each([
    ['now', 'npt=now-', 'npt=now-'],
    ['at a place that has been by then', 'npt=0.2', 'npt=0.200-'],
  ])('that is to come plays until then, and stops: %s', (_, asked, answered) =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      const atMs = soonMs();
      const time = formatUtcTime(atMs);
      const { headers } = await talk.expectOk('PAUSE', undefined, { Range: `${asked};time=${time}` });
      expect(headers.get('Range')).toBe(`${answered};time=${time}`);
      await talk.tracks[0]!.morePackets(3);
      await eventually(async () => expect(await stateOf(talk)).toBe('state: ready'));
      expect(Date.now()).toBeGreaterThanOrEqual(atMs - CLOCK_TOLERANCE_MS);
      const again = startOf((await talk.play()).range);
      if (asked === 'npt=0.2')
        expect(again).toBe(0); // from the key frame before it
      else expect(again).toBeGreaterThan(0.5);
    }),
  );

  itOfFinch('stands when another PAUSE is refused (457)', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=2-20' });
      await talk.expectOk('PAUSE', undefined, { Range: `npt=now-;time=${formatUtcTime(soonMs())}` });
      expect((await talk.request('PAUSE', undefined, { Range: 'npt=22-' })).status).toBe(457);
      await eventually(async () => expect(await stateOf(talk)).toBe('state: ready'));
      expect(startOf((await talk.play()).range)).toBeLessThan(19);
    }),
  );

  itOfFinch('stops what is played, and a PLAY with a later one is still played then', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      const atMs = soonMs(2500);
      await talk.play({ Range: `npt=20-;time=${formatUtcTime(atMs)}` });
      await talk.expectOk('PAUSE', undefined, { Range: `npt=now-;time=${formatUtcTime(soonMs(600))}` });
      await eventually(async () => expect(await positionOf(talk)).toBeGreaterThan(15), 15_000);
      expect(Date.now()).toBeGreaterThanOrEqual(atMs - CLOCK_TOLERANCE_MS);
      talk.tracks[0]!.expectContiguous();
    }),
  );

  itOfFinch('is forgotten by a PAUSE without one', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      const atMs = soonMs(700);
      await talk.expectOk('PAUSE', undefined, { Range: `npt=now-;time=${formatUtcTime(atMs)}` });
      await talk.expectOk('PAUSE');
      await talk.play();
      await eventually(() => expect(Date.now()).toBeGreaterThan(atMs + 200));
      expect(await stateOf(talk)).toBe('state: playing');
    }),
  );
});

describe('SMPTE time (§3.5)', () => {
  itOfFinch.each([
    ['smpte-25=00:00:02:00-00:00:03:05', /^smpte-25=00:00:0[0-2](:\d\d(\.\d\d)?)?-00:00:03:05$/],
    ['smpte=00:00:02-00:00:03:15', /^smpte=00:00:0[0-2](:\d\d(\.\d\d)?)?-00:00:03:15$/],
    ['smpte-30-drop=00:00:02:00-', /^smpte-30-drop=00:00:0[0-2](:\d\d(\.\d\d)?)?-00:00:2\d:\d\d(\.\d\d)?$/],
  ])('is answered as it was asked: %s', (asked, answered) =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const { headers } = await talk.expectOk('PLAY', undefined, { Range: asked });
      expect(headers.get('Range')).toMatch(answered);
      const unit = asked.split('=')[0];
      const point = asked.split('=')[1]!.split('-')[0]!;
      const paused = await talk.expectOk('PAUSE', undefined, { Range: `${unit}=${point}` });
      expect(paused.headers.get('Range')).toBe(`${unit}=${point.length === 8 ? `${point}:00` : point}-`);
    }),
  );

  itOfFinch('of a PLAY that waits for its time, too', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const time = LATER();
      const { headers } = await talk.expectOk('PLAY', undefined, {
        Range: `smpte-25=00:00:00:00-00:00:01:05;time=${time}`,
      });
      expect(headers.get('Range')).toBe(`smpte-25=00:00:00:00-00:00:01:05;time=${time}`);
    }),
  );
});

describe('the time of day (§3.7), which a recording does not have', () => {
  itOfFinch.each(['PLAY', 'PAUSE'])('is 456 to %s, with what is expected (§11.3.7)', (method) =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const refused = await talk.request(method, undefined, { Range: 'clock=19961108T142300Z-' });
      expect([refused.status, refused.text]).toEqual([
        456,
        'Range: a recording has no time of day, expected npt or smpte\r\n',
      ]);
    }),
  );
});
