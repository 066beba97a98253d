/** RFC 2326 §4-§9: messages, however they are cut up and whatever stands around them. */
import { subjectOfFile } from './subject';
import { talkOfEachTest } from './talk';

jest.setTimeout(20_000);

const subject = subjectOfFile();
const talk = talkOfEachTest(subject);

const options = (cseq: number, more = ''): string =>
  `OPTIONS ${subject.url} RTSP/1.0\r\nCSeq: ${cseq}\r\n${more}\r\n`;
const cseqOf = async (): Promise<string | undefined> => (await talk().client.answer()).headers.get('CSeq');

describe('§4.2 header fields', () => {
  it('have names without regard to case', async () => {
    talk().client.send(`OPTIONS ${subject.url} RTSP/1.0\r\ncseq: 71\r\nUSER-AGENT: x\r\n\r\n`);
    const { status, headers } = await talk().client.answer();
    expect([status, headers.get('CSeq')]).toEqual([200, '71']);
  });

  it('that nobody knows are ignored (§4.2, §6.2)', async () => {
    talk().client.send(options(72, 'X-Nobody-Knows: this\r\n'));
    expect((await talk().client.answer()).status).toBe(200);
  });
});

describe('§4.4 bodies', () => {
  it('are taken out of the stream by Content-Length, whatever the method', async () => {
    talk().client.send(
      `${options(1, 'Content-Length: 5\r\nContent-Type: text/plain\r\n')}hello${options(2)}`,
    );
    expect([await cseqOf(), await cseqOf()]).toEqual(['1', '2']);
  });
});

describe('§9.1 pipelining', () => {
  it('answers requests in their order', async () => {
    talk().client.send([101, 102, 103, 104].map((cseq) => options(cseq)).join(''));
    expect([await cseqOf(), await cseqOf(), await cseqOf(), await cseqOf()]).toEqual([
      '101',
      '102',
      '103',
      '104',
    ]);
  });

  it('understands requests that come byte by byte', async () => {
    for (const byte of options(9)) talk().client.send(byte);
    expect(await cseqOf()).toBe('9');
  });

  it('answers a whole dialogue that came at once', async () => {
    const setup = `SETUP ${talk().controls[0]} RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`;
    talk().client.send(`${options(1)}${setup}${options(3)}`);
    const answers = [
      await talk().client.answer(),
      await talk().client.answer(),
      await talk().client.answer(),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    talk().session = answers[1]!.headers.get('Session')!.split(';')[0]!; // so that it is torn down
  });
});

describe('§10.12 interleaved frames', () => {
  it('may stand between requests, also on channels that nobody has', async () => {
    talk().client.sendFrame(77, new Uint8Array(20));
    talk().client.send(options(5));
    talk().client.sendFrame(78, new Uint8Array(0));
    talk().client.send(options(6));
    expect([await cseqOf(), await cseqOf()]).toEqual(['5', '6']);
  });
});

describe('§3.2 URLs', () => {
  it('name the same movie whatever the case of their scheme', async () => {
    const answer = await talk().request('DESCRIBE', subject.url.replace(/^rtsp/, 'RTSP'));
    expect(answer.status).toBe(200);
  });
});
