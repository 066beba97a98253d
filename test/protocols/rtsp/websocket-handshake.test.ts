/** The request that opens a WebSocket: what is missing or wrong, and which web pages are let in (RFC 6455 §4.2, §10.2). */
import { acceptHeaders, asksForWebSocket, flawOf } from '@finch/rtsp/websocket-handshake';
import { type RtspRequest, RtspStreamParser } from 'rtsp-stream-parser';
import { HANDSHAKE_ACCEPT, handshake } from '../../support/websocket-client';

const ORIGINS = ['https://example.org', 'http://127.0.0.1:8080'];

function parsed(text: string): RtspRequest {
  const parser = new RtspStreamParser();
  parser.feed(Buffer.from(text));
  return parser.read() as RtspRequest;
}

describe('a handshake', () => {
  it('is taken as browsers and programs send it', () => {
    const request = parsed(
      handshake({ 'Sec-WebSocket-Protocol': 'other, rtsp.onvif.org', Upgrade: 'WebSocket' }),
    );
    expect([asksForWebSocket(request), flawOf(request, [])]).toEqual([true, undefined]);
    expect(acceptHeaders(request)).toEqual({
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': HANDSHAKE_ACCEPT,
      'Sec-WebSocket-Protocol': 'rtsp.onvif.org',
    });
  });

  it.each([[undefined], ['h2c'], ['websockets']])('is none with the header Upgrade: %s', (Upgrade) => {
    expect(asksForWebSocket(parsed(handshake({ Upgrade })))).toBe(false);
  });

  it.each([
    [{}, 'POST / HTTP/1.1', 400, 'method: found "POST", expected GET'],
    [{}, 'GET / HTTP/1.0', 400, 'version: found "HTTP/1.0", expected HTTP/1.1'],
    [{ Host: undefined }, undefined, 400, 'Host: found none, expected the name of this server'],
    [{ Connection: 'close' }, undefined, 400, 'Connection: found "close", expected Upgrade'],
    [
      { 'Sec-WebSocket-Key': undefined },
      undefined,
      400,
      'Sec-WebSocket-Key: found none, expected 16 bytes in base64',
    ],
    [
      { 'Sec-WebSocket-Key': 'c2hvcnQ=' },
      undefined,
      400,
      'Sec-WebSocket-Key: found "c2hvcnQ=", expected 16 bytes in base64',
    ],
    [
      { 'Sec-WebSocket-Protocol': undefined },
      undefined,
      400,
      'Sec-WebSocket-Protocol: found none, expected rtsp.onvif.org',
    ],
    [
      { 'Sec-WebSocket-Protocol': 'mqtt' },
      undefined,
      400,
      'Sec-WebSocket-Protocol: found "mqtt", expected rtsp.onvif.org',
    ],
    [
      { 'Sec-WebSocket-Protocol': 'RTSP.onvif.org' }, // another one: they compare exactly (§4.1)
      undefined,
      400,
      'Sec-WebSocket-Protocol: found "RTSP.onvif.org", expected rtsp.onvif.org',
    ],
    [{ Origin: 'null' }, undefined, 403, 'Origin: found "null", expected a page that --web-origins lets in'],
    [
      { Origin: 'http://example.org' },
      undefined,
      403,
      'Origin: found "http://example.org", expected a page that --web-origins lets in',
    ],
  ])('with %j (%s) is refused', (changes, line, statusCode, text) => {
    expect(flawOf(parsed(handshake(changes, line)), ORIGINS)).toEqual({ statusCode, text });
  });

  it.each([['8'], [undefined]])('of version %s is told the one that is spoken', (version) => {
    expect(flawOf(parsed(handshake({ 'Sec-WebSocket-Version': version })), [])).toEqual({
      statusCode: 426,
      text: `Sec-WebSocket-Version: found ${version === undefined ? 'none' : '"8"'}, expected 13`,
      headers: { Upgrade: 'websocket', Connection: 'close, Upgrade', 'Sec-WebSocket-Version': '13' },
    });
  });

  it('of a web page is taken where its origin was named, or all are', () => {
    for (const Origin of ORIGINS) expect(flawOf(parsed(handshake({ Origin })), ORIGINS)).toBeUndefined();
    expect(flawOf(parsed(handshake({ Origin: 'null' })), ['*'])).toBeUndefined();
    expect(flawOf(parsed(handshake({ Origin: ORIGINS[0] })), [])?.statusCode).toBe(403);
  });
});
