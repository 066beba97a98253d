import { headerError, quoteWireValue, RTSP_ERRORS, RtspError, type RtspErrorCode } from '@finch/rtsp/errors';

const codes = Object.keys(RTSP_ERRORS) as RtspErrorCode[];

describe('RTSP_ERRORS (RFC 2326 §7.1.1, §11)', () => {
  it('has one row per status, in order', () => {
    const statuses = codes.map((code) => RTSP_ERRORS[code].status);
    expect(statuses).toEqual([
      400, 401, 403, 404, 405, 406, 408, 413, 414, 415, 451, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462,
      500, 501, 503, 505, 551,
    ]);
  });

  it.each(codes)('%s has a reason phrase and a one-line description', (code) => {
    const { reason, description } = RTSP_ERRORS[code];
    expect(reason).toMatch(/^[A-Z][A-Za-z -]+$/);
    expect(description).toMatch(/^[A-Z][^\r\n|]*[^.]$/);
  });
});

describe('RtspError', () => {
  it.each(codes)('%s carries its row', (code) => {
    const error = new RtspError(code);
    const { status, reason } = RTSP_ERRORS[code];
    expect(error).toMatchObject({ name: 'RtspError', code, status, reason, detail: undefined, headers: {} });
    expect(error.message).toBe(`${status} ${reason}`);
  });

  it('carries a detail and extra headers', () => {
    const error = new RtspError('serviceUnavailable', 'stopping', { 'Retry-After': '5' });
    expect(error.message).toBe('503 Service Unavailable: stopping');
    expect(error.headers).toEqual({ 'Retry-After': '5' });
  });

  it.each(['a\r\nb', 'a\nb', 'a\rb', 'a\0'])(
    'refuses the header value %j, which would forge a header',
    (value) => {
      expect(() => new RtspError('methodNotAllowed', undefined, { Allow: value })).toThrow(TypeError);
    },
  );
});

describe('headerError', () => {
  it('names header, found and expected in one line', () => {
    const error = headerError('invalidRange', 'Range', 'x\r\ny', 'npt');
    expect(error.detail).toBe('Range: found "x\\r\\ny", expected npt');
  });

  it('cuts what it quotes', () => {
    expect(quoteWireValue('a'.repeat(1000)).length).toBeLessThan(70);
  });
});
