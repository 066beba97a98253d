import { RtspHeaders } from 'rtsp-stream-parser';

function sample(): RtspHeaders {
  return new RtspHeaders([
    ['CSeq', '1'],
    ['Require', 'a'],
    ['Session', 's'],
    ['REQUIRE', 'b'],
  ]);
}

describe('RtspHeaders (RFC 2326 §4.2)', () => {
  it('finds fields without regard to case, the first of a name', () => {
    expect(sample().get('cseq')).toBe('1');
    expect(sample().get('rEQUIRE')).toBe('a');
    expect(sample().get('Range')).toBeUndefined();
    expect(sample().has('SESSION')).toBe(true);
    expect(sample().has('Range')).toBe(false);
  });

  it('returns all values of a name in order', () => {
    expect(sample().getAll('require')).toEqual(['a', 'b']);
    expect(sample().getAll('Range')).toEqual([]);
  });

  it('keeps order and spelling', () => {
    const expected = [
      ['CSeq', '1'],
      ['Require', 'a'],
      ['Session', 's'],
      ['REQUIRE', 'b'],
    ];
    expect([...sample()]).toEqual(expected);
    expect([...sample().entries()]).toEqual(expected);
    expect(sample().size).toBe(4);
  });

  it('replaces the first field where it stands and removes the others', () => {
    const headers = sample();
    headers.set('require', 'c');
    expect([...headers]).toEqual([
      ['CSeq', '1'],
      ['require', 'c'],
      ['Session', 's'],
    ]);
  });

  it('appends with set when there is none of that name', () => {
    const headers = new RtspHeaders({ CSeq: '1' });
    headers.set('Session', 's');
    expect([...headers]).toEqual([
      ['CSeq', '1'],
      ['Session', 's'],
    ]);
  });

  it('appends beside fields of the same name', () => {
    const headers = new RtspHeaders();
    headers.append('Via', 'a');
    headers.append('via', 'b');
    expect(headers.getAll('VIA')).toEqual(['a', 'b']);
  });

  it('deletes all fields of a name and tells whether there was one', () => {
    const headers = sample();
    expect(headers.delete('require')).toBe(true);
    expect(headers.delete('require')).toBe(false);
    expect([...headers]).toEqual([
      ['CSeq', '1'],
      ['Session', 's'],
    ]);
  });

  it('copies another list, which then lives by itself', () => {
    const headers = sample();
    const copy = new RtspHeaders(headers);
    headers.delete('CSeq');
    expect(copy.get('CSeq')).toBe('1');
  });
});
