/** RFC 2326 §10 and appendix A: what each method does, and in which state. */
import { parseRange } from '@finch/rtsp/headers/range';
import { eventually } from '../support/deadline';
import { itOfFinch, itWith, subjectOfFile } from './subject';
import { type Carrier, startOf, Talk, talking } from './talk';

jest.setTimeout(30_000);

const subject = subjectOfFile();

describe('§10.1 OPTIONS', () => {
  it('lists the methods, for the server and for a movie', () =>
    talking(Talk.open(subject), async (talk) => {
      for (const url of ['*', subject.url]) {
        const methods = (await talk.expectOk('OPTIONS', url)).headers.get('Public')!.split(/,\s*/);
        expect(methods).toEqual(expect.arrayContaining(['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'TEARDOWN']));
      }
    }));

  it('changes no state', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.expectOk('OPTIONS');
      await talk.play();
      await talk.expectOk('OPTIONS');
      await talk.tracks[0]!.morePackets(3);
    }));
});

describe('§10.2 DESCRIBE and appendix C', () => {
  it('answers with SDP whose parts have types and a control, and the length if it tells one', () =>
    talking(Talk.open(subject), async ({ sdp, controls, durationS }) => {
      expect(sdp).toMatch(/^v=0\r\no=.+\r\ns=.+\r\n/);
      expect(sdp).toMatch(/^t=\d+ \d+\r$/m);
      expect(controls.length).toBeGreaterThan(0);
      expect(new Set(controls).size).toBe(controls.length);
      if (subject.isFinch || !Number.isNaN(durationS)) expect(durationS).toBeGreaterThan(1); // C.1.5
      for (const section of sdp.split(/^m=/m).slice(1)) {
        const [, port, type] = /^\w+ (\d+) RTP\/AVPF? (\d+)(?: \d+)*\r/.exec(section)!;
        expect(port).toBe('0'); // C.1.2: SETUP decides
        if (Number(type) >= 96) expect(section).toMatch(new RegExp(`^a=rtpmap:${type} [\\w-]+/\\d+`, 'm'));
      }
    }));
});

describe('§10.2 DESCRIBE of a track', () => {
  itOfFinch('describes that one, which can be set up and played so', () =>
    talking(Talk.open(subject), async (talk) => {
      const { text, headers } = await talk.expectOk('DESCRIBE', talk.controls[1]);
      expect(text.match(/^m=\w+/gm)).toEqual(['m=audio']);
      const control = /^m=[\s\S]*^a=control:(\S+)/m.exec(text)![1];
      expect(`${headers.get('Content-Base')}${control}`).toBe(talk.controls[1]);
      await talk.setUp(1, 'TCP');
      await talk.play();
      await talk.tracks[0]!.packetsArrived(3);
      expect((await talk.request('PLAY', talk.controls[0])).status).toBe(404);
    }),
  );
});

describe('§10.4 SETUP', () => {
  it.each<Carrier>(['UDP', 'TCP'])('makes a session and adds tracks to it over %s', (carrier) =>
    talking(Talk.open(subject), async (talk) => {
      const ids = [];
      for (const place of talk.controls.keys())
        ids.push((await talk.setUp(place, carrier)).headers.get('Session')!.split(';')[0]);
      expect(new Set(ids).size).toBe(1);
      expect(ids[0]!.length).toBeGreaterThanOrEqual(8); // §3.4
    }),
  );

  it('makes sessions that are told apart, also on one connection', () =>
    talking(Talk.ready(subject, 'UDP'), (one) =>
      talking(Talk.ready(subject, 'UDP', one.client), async (two) => {
        expect(two.session).not.toBe(one.session);
        await one.expectOk('TEARDOWN');
        one.session = '';
        await two.play();
        await two.tracks[0]!.morePackets(2);
        await two.expectOk('TEARDOWN');
        two.session = '';
      }),
    ));

  it('with If-Modified-Since of what is there now makes no session: 304 (§12.23)', () =>
    talking(Talk.open(subject), async (talk) => {
      const { headers } = await talk.expectOk('DESCRIBE', subject.url);
      const date = headers.get('Last-Modified');
      if (date === undefined) return; // a server need not tell
      for (const [method, url] of [
        ['DESCRIBE', subject.url],
        ['SETUP', talk.controls[0]!],
      ] as const) {
        const transport = method === 'SETUP' ? { Transport: 'RTP/AVP/TCP;unicast' } : {};
        const answer = await talk.request(method, url, { 'If-Modified-Since': date, ...transport });
        expect([method, answer.status, answer.text]).toEqual([method, 304, '']);
        expect(answer.headers.has('Session')).toBe(false);
      }
    }));
});

describe('§10.5 PLAY', () => {
  it('starts at the start, and names it', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const { range, infos } = await talk.play({ Range: 'npt=0-' });
      expect(startOf(range)).toBe(0);
      expect(infos.length).toBe(talk.controls.length);
      await talk.tracks[0]!.packetsArrived(3);
    }));

  it('stops at the end it was given', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const first = await talk.play({ Range: 'npt=0-0.5' });
      await eventuallyPaused(talk);
      expect(talk.playedS(first)).toBeLessThan(0.5 + 0.2); // pictures are shown later than they are decoded
      if (subject.isFinch) expect(startOf((await talk.play()).range)).toBeCloseTo(0.5, 0);
    }));

  it('while it plays, without Range, changes nothing: not even the end', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const first = await talk.play({ Range: 'npt=0-1' });
      await talk.tracks[0]!.packetsArrived(2);
      await talk.play();
      await eventuallyPaused(talk);
      expect(talk.playedS(first)).toBeLessThan(1 + 0.2);
    }));

  it('behind a PLAY that has an end waits for that, in order', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const first = await talk.play({ Range: 'npt=0-0.6' });
      await talk.play({ Range: 'npt=4-4.6' });
      const third = await talk.play({ Range: 'npt=8-8.6' });
      expect(startOf(third.range)).toBeLessThanOrEqual(subject.isFinch ? 8 : 8 + 0.05);
      await eventuallyPaused(talk);
      talk.tracks[0]!.expectContiguous();
      // Three ranges from three key frames, as one stream without a gap: they add up, and nothing else was sent.
      expect(talk.playedS(first)).toBeGreaterThan(1.6);
      if (subject.isFinch) expect(startOf((await talk.play()).range)).toBeCloseTo(8.6, 0);
    }));

  itOfFinch('behind one that waits and has no end seeks at once', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play({ Range: 'npt=0-6' });
      const waits = await talk.play({ Range: 'npt=9.7-' });
      expect([startOf(waits.range) < 9.7, waits.infos.length]).toEqual([true, 0]);
      const { range, infos } = await talk.play({ Range: 'npt=9.7-' });
      expect([range, infos.length]).toEqual([waits.range, 2]); // the same key frame
      const { sequenceNumber } = infos[0]!;
      const isThere = () =>
        talk.tracks[0]!.packets.some((packet) => packet.sequenceNumber === sequenceNumber);
      await talk.tracks[0]!.until(isThere, 'the packet of 9.7 s');
    }),
  );

  itOfFinch('behind a PLAY without an end seeks at once (players mean that; RFC 7826 §13.4)', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      for (const range of ['npt=0-', `npt=2-${talk.durationS}`, 'npt=6-']) {
        const { infos } = await talk.play({ Range: range });
        expect(infos.length).toBe(2);
        const [sequence] = infos.map(({ sequenceNumber }) => sequenceNumber!);
        await talk.tracks[0]!.until(
          () => talk.tracks[0]!.packets.some(({ sequenceNumber }) => sequenceNumber === sequence),
          range,
        );
      }
    }),
  );
});

describe('§10.6 PAUSE', () => {
  itWith('PAUSE')('stops at once and keeps the place', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play({ Range: 'npt=2-' });
      await talk.tracks[0]!.packetsArrived(5);
      const paused = await talk.expectOk('PAUSE');
      const later = await talk.expectOk('OPTIONS');
      expect(talk.packetsBefore(later)).toBe(talk.packetsBefore(paused));
      const place = paused.headers.get('Range');
      const { range, answer } = await talk.play();
      if (place !== undefined) expect(startOf(range)).toBeCloseTo(startOf(parseRange(place)), 1);
      if (subject.isFinch) expect(talk.packetsBefore(answer)).toBe(talk.packetsBefore(paused));
    }),
  );

  itWith('PAUSE')('drops the PLAYs that wait', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play({ Range: 'npt=0-0.5' });
      await talk.play({ Range: 'npt=8-' });
      await talk.expectOk('PAUSE');
      expect(startOf((await talk.play()).range)).toBeLessThan(1);
    }),
  );

  itOfFinch('at a time that is still to come plays until then', () =>
    talking(Talk.readyInTime(subject), async (talk) => {
      await talk.play({ Range: 'npt=0-' });
      const { headers } = await talk.expectOk('PAUSE', undefined, { Range: 'npt=0.8' });
      expect(headers.get('Range')).toBe('npt=0.800-');
      await talk.tracks[0]!.morePackets(3);
      await eventuallyPaused(talk);
      expect(startOf((await talk.play()).range)).toBeCloseTo(0.8, 0);
    }),
  );

  itOfFinch('at a time that was sent already goes on from there', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play({ Range: 'npt=4-' });
      await talk.tracks[0]!.packetsArrived(30);
      await talk.expectOk('PAUSE', undefined, { Range: 'npt=4' });
      expect(startOf((await talk.play()).range)).toBe(4);
    }),
  );

  itOfFinch('at a time that is not played is 457', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play({ Range: 'npt=2-6' });
      for (const range of ['npt=7', 'npt=1', 'npt=1000', 'npt=3-4']) {
        const { status } = await talk.request('PAUSE', undefined, { Range: range });
        expect([range, status]).toEqual([range, 457]);
      }
      await talk.tracks[0]!.morePackets(3); // and nothing has changed
    }),
  );
});

describe('§10.7 TEARDOWN', () => {
  it('ends the session: its id is unknown then', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play();
      await talk.expectOk('TEARDOWN');
      const { status } = await talk.request('PLAY');
      expect(status).toBe(454);
      talk.session = '';
    }));

  itOfFinch('of one track ends that one, and the other plays on', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      await talk.play();
      await Promise.all(talk.tracks.map((track) => track.packetsArrived(2)));
      const { headers } = await talk.expectOk('TEARDOWN', talk.controls[0]);
      expect(headers.get('Session')).toContain(talk.session);
      await talk.tracks[0]!.byeArrived();
      const packets = talk.tracks[0]!.packets.length;
      await talk.tracks[1]!.morePackets(10);
      expect(talk.tracks[0]!.packets.length).toBe(packets);
      expect((await talk.play({ Range: 'npt=5-' })).infos.length).toBe(1);
      expect((await talk.request('TEARDOWN', talk.controls[0])).status).toBe(404);
    }),
  );

  it('before PLAY ends the session too (appendix A.2)', () =>
    talking(Talk.ready(subject, 'UDP'), async (talk) => {
      await talk.expectOk('TEARDOWN');
      talk.session = '';
    }));
});

describe('§10.8 GET_PARAMETER', () => {
  itWith('GET_PARAMETER')('with no body is a sign of life', () =>
    talking(Talk.ready(subject, 'TCP'), async (talk) => {
      const { text } = await talk.expectOk('GET_PARAMETER');
      if (subject.isFinch) expect(text).toBe('');
    }),
  );
});

/** Of a server that can't be asked: when no packet has come for so long, the range is over. */
const QUIET_MS = 1500;
/** More than any range of these tests lasts; a server that still sends then has not heeded the end. */
const MAX_RANGE_MS = 8000;

/** Resolves when what was to be played has been. */
async function eventuallyPaused(talk: Talk): Promise<void> {
  if (subject.isFinch) return eventually(async () => expect(await stateOf(talk)).toBe('state: ready\r\n'));
  const packets = () => talk.tracks.reduce((sum, track) => sum + track.packets.length, 0);
  const endMs = performance.now() + MAX_RANGE_MS;
  for (let seen = -1; seen !== packets(); ) {
    if (performance.now() > endMs)
      throw new Error(`packets still come ${MAX_RANGE_MS} ms after PLAY of a shorter range`);
    seen = packets();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

async function stateOf({ client, aggregateUrl, session }: Talk): Promise<string> {
  const body = 'state\r\n';
  client.send(
    `GET_PARAMETER ${aggregateUrl} RTSP/1.0\r\nCSeq: 900\r\nSession: ${session}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return (await client.answer()).text;
}
