/** The packetizers: a movie becomes packet plans. Paid once for each segment, however many viewers there are. */
import { PacketPlan } from '@finch/rtp';
import { measure } from './harness.mjs';
import { index, planOf, segmentsOf } from './movie.mjs';

for (const stored of index.tracks) {
  const segments = segmentsOf(stored);
  measure(`packetizer, ${stored.track.config.codec}`, 'packet', () => {
    let packets = 0;
    for (let segment = 0; segment < segments.length; segment++)
      packets += new PacketPlan(planOf(stored, segments, segment)).packetCount;
    return packets;
  });
}
