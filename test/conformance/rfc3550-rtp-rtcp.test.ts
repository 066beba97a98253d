/** RFC 3550 and RFC 2326 appendix B: what a receiver reads in the packets and reports of a session. */

import { eventually } from '../support/deadline';
import { receiverReport, ticksBetween } from '../support/rtp-receiver';
import { SDES_CNAME, sdesItemsOf } from './rtcp-reader';
import { itOfFinch, itWith, subjectOfFile } from './subject';
import { type Carrier, Talk, talking } from './talk';

jest.setTimeout(30_000);

const CARRIERS: readonly Carrier[] = ['UDP', 'TCP'];

const subject = subjectOfFile();
const talkingOver = (carrier: Carrier, body: (talk: Talk) => Promise<void>): Promise<void> =>
  talking(Talk.ready(subject, carrier), body);

describe('§5.1 the fixed header', () => {
  it('begins with random sequence numbers, timestamps and sources in every session', async () => {
    const starts: string[] = [];
    for (let session = 0; session < 4; session++)
      await talkingOver('TCP', async (talk) => {
        const { infos } = await talk.play({ Range: 'npt=0-' });
        for (const { sequenceNumber, rtpTicks } of infos) starts.push(`${sequenceNumber}`, `${rtpTicks}`);
        await Promise.all(talk.tracks.map((track) => track.packetsArrived(1)));
        starts.push(...talk.tracks.map(({ packets }) => `${packets[0]!.ssrc}`));
      });
    // Two of 16 bits may meet by chance; no more than one pair does.
    expect(new Set(starts).size).toBeGreaterThanOrEqual(starts.length - 1);
  });

  it.each(CARRIERS)('has what SETUP and PLAY have told, and no gap, over %s', (carrier) =>
    talkingOver(carrier, async (talk) => {
      const { infos } = await talk.play({ Range: 'npt=0-' });
      await Promise.all(talk.tracks.map((track) => track.packetsArrived(15)));
      talk.tracks.forEach((track, place) => {
        const { ssrc } = talk.transports[place]!;
        if (ssrc !== undefined) expect(track.packets[0]!.ssrc).toBe(ssrc);
        expect(track.packets[0]!.sequenceNumber).toBe(infos[place]!.sequenceNumber);
        expect(new Set(track.packets.map((packet) => packet.ssrc)).size).toBe(1);
        track.expectContiguous();
      });
    }),
  );
});

describe('appendix B of RFC 2326', () => {
  itWith('PAUSE')('runs sequence numbers and timestamps on over a seek', () =>
    talkingOver('TCP', async (talk) => {
      const [track] = talk.tracks;
      await talk.play({ Range: 'npt=0-' });
      await track!.packetsArrived(10);
      await talk.expectOk('PAUSE');
      const before = track!.packets.at(-1)!; // over TCP, nothing of before comes behind the answer to PAUSE
      const { infos } = await talk.play({ Range: 'npt=8-' });
      await track!.morePackets(10);
      track!.expectContiguous();
      expect(infos[0]!.sequenceNumber).toBe((before.sequenceNumber + 1) & 0xffff);
      expect(Math.abs(ticksBetween(before.timestamp, infos[0]!.rtpTicks!)) / 90_000).toBeLessThan(2);
    }),
  );
});

describe('§6 RTCP', () => {
  it('comes in compounds: a report first, then SDES with a CNAME that is one for all tracks (§6.1, §6.5.1)', () =>
    talkingOver('TCP', async (talk) => {
      await talk.play();
      await Promise.all(talk.tracks.map((track) => track.until(() => track.reports.length > 0, 'a report')));
      const channels = talk.transports.map(({ interleaved }) => interleaved!.rtcp);
      const names = channels.map((channel) => {
        const { payload } = talk.client.frames.find((frame) => frame.channel === channel)!;
        expect([200, 201]).toContain(payload[1]);
        return sdesItemsOf(payload).find(({ type }) => type === SDES_CNAME)!.text;
      });
      expect(names[0]).not.toBe('');
      expect(new Set(names).size).toBe(1);
    }));

  it('has wall-clock times that agree between the tracks (§6.4.1)', () =>
    talkingOver('TCP', async (talk) => {
      const { infos } = await talk.play({ Range: 'npt=0-' });
      await Promise.all(talk.tracks.map((track) => track.until(() => track.reports.length > 0, 'a report')));
      const rates = [...talk.sdp.matchAll(/^a=rtpmap:\d+ [\w-]+\/(\d+)/gm)].map((match) => Number(match[1]));
      const startsMs = talk.tracks.map(({ reports: [report] }, place) => {
        const passedS = ticksBetween(infos[place]!.rtpTicks!, report!.rtpTimestamp) / rates[place]!;
        return report!.unixMs - passedS * 1000;
      });
      for (const startMs of startsMs) expect(Math.abs(startMs - startsMs[0]!)).toBeLessThan(5);
    }));

  // RFC 3550 §6.3.7 says MAY.
  itOfFinch('says BYE at TEARDOWN (§6.6)', () =>
    talkingOver('UDP', async (talk) => {
      await talk.play();
      await Promise.all(talk.tracks.map((track) => track.packetsArrived(2)));
      await talk.expectOk('TEARDOWN');
      talk.session = '';
      await Promise.all(talk.tracks.map((track) => track.byeArrived()));
    }),
  );

  itOfFinch.each(CARRIERS)('counts malformed and foreign reports, and plays on, over %s', (carrier) =>
    talkingOver(carrier, async (talk) => {
      await talk.play();
      await talk.tracks[0]!.packetsArrived(2);
      const { ssrc } = talk.tracks[0]!.packets[0]!;
      const good = receiverReport(ssrc);
      const bye = Uint8Array.of(0x81, 203, 0, 1, 0xde, 0xad, 0xbe, 0xef);
      for (const bytes of [good, Buffer.from('noise'), receiverReport(ssrc ^ 1), good.subarray(0, 20), bye])
        talk.sendRtcp(bytes);
      const counted = async (): Promise<string> => {
        const body = 'reports_received\r\nreports_rejected\r\n';
        talk.client.send(
          `GET_PARAMETER ${talk.controls[0]} RTSP/1.0\r\nCSeq: 9\r\nSession: ${talk.session}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        return (await talk.client.answer()).text;
      };
      await eventually(async () =>
        expect(await counted()).toBe('reports_received: 1\r\nreports_rejected: 4\r\n'),
      );
      await talk.tracks[0]!.morePackets(5);
      talk.tracks[0]!.expectContiguous();
    }),
  );
});
