/**
 * Builds the head of one message, line by line, as the lines arrive. Owned by the parser, one per message.
 * Rule: a header field is kept once the next line shows that no folded line follows. Spec: RFC 2326 §4.2, §12.
 */
import { isBlank, isToken, trimBlanks } from './characters';
import { RtspHeaders } from './rtsp-headers';
import { excerpt, RtspParseError } from './rtsp-parse-error';
import { parseStartLine, type RequestLine, type StatusLine } from './start-line';

const COLON = ':';

/** Collects start line and header fields; `finish` must be called before the headers are read. */
export class HeadBuilder {
  readonly startLine: RequestLine | StatusLine;
  readonly headers = new RtspHeaders();
  readonly #maxHeaderCount: number;
  #headerCount = 0;
  #name = '';
  #value = '';

  /** Starts a head with its first line. Errors: those of parseStartLine. */
  constructor(startLine: string, maxHeaderCount: number) {
    this.startLine = parseStartLine(startLine);
    this.#maxHeaderCount = maxHeaderCount;
  }

  /** Returns the value of the first CSeq so far, as it came; undefined when none has come (RFC 2326 §12.17). */
  get cseq(): string | undefined {
    return this.headers.get('CSeq') ?? (this.#name.toLowerCase() === 'cseq' ? this.#value : undefined);
  }

  /** Adds a header line without its line end. Errors: RtspParseError `bad-header` or `too-many-headers`. */
  addLine(line: string): void {
    if (isBlank(line.charCodeAt(0))) this.#unfold(line);
    else this.#startField(line);
  }

  /** Keeps the last field; to be called once, at the empty line. */
  finish(): void {
    if (this.#name !== '') this.headers.append(this.#name, this.#value);
    this.#name = '';
  }

  #startField(line: string): void {
    this.finish();
    const colon = line.indexOf(COLON);
    // White space before the colon is the implied *LWS of this grammar (RFC 2068 §2.1), unlike today's HTTP.
    const name = colon < 0 ? '' : trimBlanks(line.slice(0, colon));
    if (!isToken(name)) {
      throw new RtspParseError('bad-header', `header line: found ${excerpt(line)}, expected "name: value"`);
    }
    this.#headerCount += 1;
    if (this.#headerCount > this.#maxHeaderCount) {
      throw new RtspParseError('too-many-headers', `header fields: more than ${this.#maxHeaderCount}`);
    }
    this.#name = name;
    this.#value = trimBlanks(line.slice(colon + 1));
  }

  /** Joins a continuation line to the field with one space in place of the fold (RFC 2068 §2.1). */
  #unfold(line: string): void {
    if (this.#name === '') {
      throw new RtspParseError('bad-header', 'header line: found a continuation before the first field');
    }
    const more = trimBlanks(line);
    this.#value = this.#value === '' || more === '' ? this.#value + more : `${this.#value} ${more}`;
  }
}
