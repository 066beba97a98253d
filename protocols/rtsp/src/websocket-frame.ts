/**
 * What stands before the bytes of a WebSocket's frame. Used by the decoder, which reads frames of clients, and by the connection, which
 * writes those of the server: whole messages, and not masked. Rule: the only place that knows the numbers. Spec: RFC 6455 §5.2, §7.4.
 */

/** What a frame is (RFC 6455 §5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Why a WebSocket ends (RFC 6455 §7.4.1). */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidData: 1007,
  tooBig: 1009,
} as const;

/** The first byte: the last frame of its message. */
export const FINAL_BIT = 0x80;
/** The second byte: the payload is masked. */
export const MASKED_BIT = 0x80;
/** In place of a payload's length: it follows in 16 bits. */
export const LENGTH_IN_16_BITS = 126;
/** In place of a payload's length: it follows in 64 bits. */
export const LENGTH_IN_64_BITS = 127;
/** Payload of a frame that controls, in bytes (RFC 6455 §5.5). */
export const MAX_CONTROL_BYTES = 125;

/** A longer payload has its length in 64 bits. */
export const MAX_LENGTH_OF_16_BITS = 0xffff;
/** Close frames begin with a code of so many bytes. */
export const CODE_BYTES = 2;
/** Codes that a close frame may have, first and last: of the protocol but those that stand for what no frame says, and of others. */
const SENDABLE_CODES = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
] as const;

/** Writes what goes before a message of `payloadBytes` (0..2^32-1) that is one frame: 2, 4 or 10 bytes. */
export function frameHead(opcode: number, payloadBytes: number): Uint8Array {
  const start = FINAL_BIT | opcode;
  if (payloadBytes < LENGTH_IN_16_BITS) return Uint8Array.of(start, payloadBytes);
  if (payloadBytes <= MAX_LENGTH_OF_16_BITS)
    return Uint8Array.of(start, LENGTH_IN_16_BITS, payloadBytes >>> 8, payloadBytes & 0xff);
  const head = new Uint8Array(10);
  head.set([start, LENGTH_IN_64_BITS]);
  new DataView(head.buffer).setUint32(6, payloadBytes);
  return head;
}

/** Writes a message that is one frame, head and all. */
export function frame(opcode: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([frameHead(opcode, payload.length), payload]);
}

/** Writes a close frame; `reason` is one line of ASCII of at most 123 characters. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const payload = Buffer.alloc(CODE_BYTES + reason.length);
  payload.writeUInt16BE(code);
  payload.write(reason, CODE_BYTES, 'latin1');
  return frame(Opcode.close, payload);
}

/** The code of a close frame's payload, `normal` where it has none; undefined for half a code. */
export function closeCodeOf(payload: Uint8Array): number | undefined {
  if (payload.length === 0) return CloseCode.normal;
  return payload.length < CODE_BYTES ? undefined : (payload[0]! << 8) | payload[1]!;
}

/** Whether a close frame may have this code (RFC 6455 §7.4). */
export function isSendableCode(code: number): boolean {
  return SENDABLE_CODES.some(([first, last]) => code >= first && code <= last);
}
