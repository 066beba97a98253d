// Headers and vectors of what one system call sends. Used for datagrams, for streams and for copying.
// Rule: a packet is a 12-byte RTP header written here, a prefix out of the packet plan and a slice of the mapped file,
// and of the last two no byte is read. RFC 3550 §5.1, RFC 2326 §10.12. Hot path, so it lives in a header.

#ifndef FINCH_PACKET_GATHER_H_
#define FINCH_PACKET_GATHER_H_

#include <sys/uio.h>

#include <cstdint>
#include <cstring>

#include "packet_plans.h"
#include "packet_row.h"

namespace finch {

constexpr uint32_t kRtpHeaderBytes = 12;
constexpr uint32_t kInterleavedHeaderBytes = 4;
constexpr uint32_t kOriginalSequenceBytes = 2;  // RFC 4588 §4, behind the header of a retransmission
// Packets of one gathering for a stream, of three vectors each: below UIO_MAXIOV (1024).
constexpr uint32_t kMaxStreamPackets = 340;

inline void PutU16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

inline void PutU32(uint8_t* at, uint32_t value) {
  PutU16(at, value >> 16);
  PutU16(at + 2, value);
}

// RFC 3550 §5.1: V=2, no padding, no extension, no CSRC.
inline void PutRtpHeader(uint8_t* at, const Row& row, uint32_t index, bool marker) {
  at[0] = 0x80;
  at[1] = static_cast<uint8_t>((marker ? 0x80 : 0) | ((row.sequence_and_type >> 16) & 0x7f));
  PutU16(at + 2, (row.sequence_and_type + index) & 0xffff);
  PutU32(at + 4, row.timestamp);
  PutU32(at + 8, row.ssrc);
}

// `kCapacity`: packets, and pieces of bytes.
template <uint32_t kCapacity>
struct PacketGather {
  // A prefix up to this size is copied behind its header: cheaper than another iovec. Larger ones are pointed at.
  static constexpr uint32_t kMaxCopiedPrefixBytes = 64;
  static constexpr uint32_t kMaxHeaderBytes = kInterleavedHeaderBytes + kRtpHeaderBytes + kMaxCopiedPrefixBytes;
  static_assert(kOriginalSequenceBytes <= kInterleavedHeaderBytes);  // a packet has the one or the other

  // One behind the other: most are 14 bytes, and what lies close together stays in the cache until the kernel reads it.
  uint8_t headers[kCapacity * kMaxHeaderBytes];
  iovec vectors[kCapacity * 3];
  uint32_t packets = 0;
  uint32_t used = 0;          // vectors
  uint32_t header_bytes = 0;  // used

  void Clear() { packets = used = header_bytes = 0; }

  // Adds [interleaved header] RTP header, prefix and slice; returns their bytes.
  uint32_t Add(const Packet& packet, const Row& row, uint32_t index, bool interleaved) {
    uint8_t* header = headers + header_bytes;
    uint32_t length = 0;
    packets++;
    uint32_t rtp_bytes = kRtpHeaderBytes + packet.prefix_bytes + packet.slice_bytes;
    if (interleaved) {  // RFC 2326 §10.12
      header[0] = '$';
      header[1] = static_cast<uint8_t>(row.channel);
      PutU16(header + 2, rtp_bytes);
      length = kInterleavedHeaderBytes;
    }
    uint32_t wire_bytes = length + rtp_bytes;
    PutRtpHeader(header + length, row, index, packet.marker);
    length += kRtpHeaderBytes;
    if (!interleaved && row.IsRetransmission()) {
      PutU16(header + length, (row.original_sequence + index) & 0xffff);
      length += kOriginalSequenceBytes;
      wire_bytes += kOriginalSequenceBytes;
    }
    bool copied = packet.prefix_bytes <= kMaxCopiedPrefixBytes;
    if (copied) {
      memcpy(header + length, packet.prefix, packet.prefix_bytes);
      length += packet.prefix_bytes;
    }
    header_bytes += length;
    vectors[used++] = {header, length};
    if (!copied) vectors[used++] = {const_cast<uint8_t*>(packet.prefix), packet.prefix_bytes};
    if (packet.slice_bytes > 0) vectors[used++] = {const_cast<uint8_t*>(packet.slice), packet.slice_bytes};
    return wire_bytes;
  }

  // Adds bytes that are sent as they are.
  void AddBytes(uint8_t* bytes, uint32_t length) {
    vectors[used++] = {bytes, length};
    packets++;
  }

  // Leaves out the first `bytes` of what stands from a vector on; returns how many of them there were.
  size_t Skip(uint32_t first_vector, size_t bytes) {
    size_t left = bytes;
    for (uint32_t i = first_vector; i < used && left > 0; i++) {
      size_t length = left < vectors[i].iov_len ? left : vectors[i].iov_len;
      vectors[i].iov_base = static_cast<uint8_t*>(vectors[i].iov_base) + length;
      vectors[i].iov_len -= length;
      left -= length;
    }
    return bytes - left;
  }
};

}  // namespace finch

#endif  // FINCH_PACKET_GATHER_H_
