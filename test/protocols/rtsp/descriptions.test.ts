/** Descriptions are written once for all whom they tell the same. */
import { Descriptions } from '@finch/rtsp/descriptions';
import { presentationOf } from '../../modules/file-vod/made-up-presentation';

const presentation = presentationOf([]);

it('gives the same bytes to all clients of one address and kind of feedback', () => {
  const descriptions = new Descriptions();
  const one = descriptions.of(presentation, '127.0.0.1', 'AVP');
  expect(descriptions.of(presentation, '127.0.0.1', 'AVP')).toBe(one);
  const other = descriptions.of(presentation, '127.0.0.2', 'AVP');
  expect([one, other].map((bytes) => /IN IP4 (127\S+)/.exec(Buffer.from(bytes).toString())?.[1])).toEqual([
    '127.0.0.1',
    '127.0.0.2',
  ]);
  expect(descriptions.of(presentation, '127.0.0.1', 'none')).not.toBe(one);
});

it('describes another presentation anew', () => {
  const descriptions = new Descriptions();
  const one = descriptions.of(presentation, '127.0.0.1', 'AVP');
  const changed = { ...presentation, modifiedMs: 5000 };
  expect(Buffer.from(descriptions.of(changed, '127.0.0.1', 'AVP'))).not.toEqual(Buffer.from(one));
});
