import { MediaError } from '@finch/core/stream/media-error';
import { indexMovie } from '@finch/file-vod/containers/sniff';
import { box, MemoryReader, u32, videoTrack, writeMovie, zeros } from '../../../support/mp4-writer';

function refusal(bytes: Uint8Array): string {
  try {
    indexMovie(new MemoryReader(bytes, 'film.mp4'));
  } catch (error) {
    if (error instanceof MediaError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'played';
}

describe('container by first bytes', () => {
  it.each([
    ['ftyp', box('ftyp', 'isom', u32(0))],
    ['moov, as in old QuickTime files', ''],
    ['wide', box('wide')],
    ['free', box('free', zeros(9))],
    ['uuid', box('uuid', zeros(16))],
  ])('plays a movie that starts with %s', (_, head) => {
    expect(refusal(writeMovie({ tracks: [videoTrack()], head }))).toBe('played');
  });

  it.each([
    ['Matroska', Buffer.from([0x1a, 0x45, 0xdf, 0xa3]), 'Matroska or WebM is not supported yet'],
    ['AVI', Buffer.from('RIFF....AVI LIST'), 'AVI is not supported yet'],
    ['a transport stream', Buffer.alloc(400, 0x47), 'MPEG transport stream is not supported yet'],
    ['text', Buffer.from('#EXTM3U\nfile:///secret\n'), 'not a movie, expected MP4, MOV, M4V, M4A or 3GP'],
    ['nothing', Buffer.alloc(0), 'not a movie, expected MP4, MOV, M4V, M4A or 3GP'],
    ['zeros', Buffer.alloc(500), 'not a movie, expected MP4, MOV, M4V, M4A or 3GP'],
  ])('refuses %s as unsupported, with the name of the file', (_, bytes, reason) => {
    expect(refusal(bytes)).toBe(`unsupported: film.mp4: ${reason}`);
  });
});
