/**
 * Writes the packets of a movie as the floor program reads them: the very packets that the server sends, out of the same
 * packetizers. Called by the benchmark. Rule: the layout is drawn in floor/floor.h.
 */
import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import { buildPlan, PacketPlan, payloadFormatOf, payloadTypeOf, SegmentMap } from '@finch/rtp';

const MAGIC = 0x54534c46;
const HEADER_BYTES = 48;
const UNIT_BYTES = 24;
const PACKET_BYTES = 16;
/** The server's --max-packet-bytes less the RTP header. */
const MAX_PAYLOAD_BYTES = 1472 - 12;

/** Writes the packet list of `movie` to `listFile` and its SDP to `sdpFile`; returns how many packets there are. */
export function writePacketList(movie, listFile, sdpFile) {
  const fd = openSync(movie, 'r');
  try {
    const read = (position, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
    };
    const index = indexMp4({ sizeBytes: statSync(movie).size, name: movie, read });
    const units = index.tracks.flatMap((stored, track) => unitsOf(stored, track, read));
    units.sort((a, b) => a.dueUs - b.dueUs || a.track - b.track);
    writeFileSync(listFile, encode(units, index));
    writeFileSync(sdpFile, describe(index.tracks));
    return units.reduce((sum, unit) => sum + unit.packets.length, 0);
  } finally {
    closeSync(fd);
  }
}

function unitsOf({ track, frames }, trackIndex, read) {
  const segments = SegmentMap.of(frames, track.kind);
  const units = [];
  for (let segment = 0; segment < segments.length; segment++) {
    const firstFrame = segments.firstFrameOf(segment);
    const frameCount = segments.frameCountOf(segment);
    const request = { config: track.config, frames: frames.share(), firstFrame, frameCount };
    const plan = new PacketPlan(buildPlan({ ...request, maxPayloadBytes: MAX_PAYLOAD_BYTES }, read));
    for (let unit = 0; unit < plan.unitCount; unit++) {
      const dueUs = Math.max(0, frames.dtsUs[plan.firstFrameOf(unit)]);
      const packets = packetsOf(plan, unit, read);
      if (packets.length > 0)
        units.push({ dueUs, track: trackIndex, timestamp: plan.rtpTimestampOf(unit), packets });
    }
  }
  return units;
}

function packetsOf(plan, unit, read) {
  const packets = [];
  const first = plan.firstPacketOf(unit);
  for (let packet = first; packet < first + plan.packetCountOf(unit); packet++) {
    const prefix = new Uint8Array(plan.memory, plan.prefixOffsetOf(packet), plan.prefixBytesOf(packet));
    const slice = read(plan.fileOffsetOf(packet), plan.sliceBytesOf(packet));
    packets.push({ bytes: Buffer.concat([prefix, slice]), marker: plan.hasMarker(packet) });
  }
  return packets;
}

function encode(units, index) {
  const packets = units.flatMap((unit) => unit.packets);
  const unitsOffset = HEADER_BYTES;
  const packetsOffset = unitsOffset + units.length * UNIT_BYTES;
  const payloadOffset = packetsOffset + packets.length * PACKET_BYTES;
  const head = Buffer.alloc(payloadOffset);
  putWords(head, 0, [MAGIC, index.tracks.length, units.length, packets.length]);
  putLongs(head, 16, [Math.round(index.durationUs), unitsOffset, packetsOffset, payloadOffset]);
  let at = unitsOffset;
  let firstPacket = 0;
  for (const { dueUs, track, timestamp, packets: own } of units) {
    putLongs(head, at, [Math.round(dueUs)]);
    putWords(head, at + 8, [track, timestamp, firstPacket, own.length]);
    firstPacket += own.length;
    at += UNIT_BYTES;
  }
  let offset = 0;
  for (const { bytes, marker } of packets) {
    putLongs(head, at, [offset]);
    putWords(head, at + 8, [bytes.length, marker ? 1 : 0]);
    offset += bytes.length;
    at += PACKET_BYTES;
  }
  return Buffer.concat([head, ...packets.map(({ bytes }) => bytes)]);
}

function putWords(buffer, at, values) {
  for (const [i, value] of values.entries()) buffer.writeUInt32LE(value >>> 0, at + i * 4);
}

function putLongs(buffer, at, values) {
  for (const [i, value] of values.entries()) buffer.writeBigUInt64LE(BigInt(value), at + i * 8);
}

function describe(tracks) {
  const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=floor', 't=0 0', 'a=control:*'];
  for (const [index, { track }] of tracks.entries()) {
    const { encodingName, clockRateHz, channels, fmtp } = payloadFormatOf(track);
    const type = payloadTypeOf(index);
    lines.push(`m=${track.kind} 0 RTP/AVP ${type}`);
    lines.push(
      `a=rtpmap:${type} ${encodingName}/${clockRateHz}${channels === undefined ? '' : `/${channels}`}`,
    );
    lines.push(`a=fmtp:${type} ${fmtp}`, `a=control:track${index}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}
