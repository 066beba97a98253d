// A row of the packet batch: a run of packets of one viewer and track, a datagram, or bytes of a stream.
//
// JavaScript fills rows in (core/src/net/packet-row.ts is the other face of this file), the batch sends them and moves
// those on that were not taken whole. Rule: the only place in C++ that knows where a row keeps what.
//
//  word  UDP run                        interleaved run            raw (RTCP, any bytes of the arena)
//   0    op 1 | flags << 8              op 2                       op 3 UDP, op 4 TCP
//   1    descriptor                     descriptor                 descriptor
//   2    plan handle                    plan handle                arena offset
//   3    first packet of the plan       first packet               length
//   4    packets                        packets                    -
//   5    SSRC                           SSRC                       -
//   6    sequence | payload type << 16  the same                   -
//   7    RTP timestamp                  RTP timestamp              -
//   8    original sequence (flag 2)     channel                    -
//   9    -                              bytes sent before          bytes sent before (TCP)
//  10-15 address (socket_address.h)     -                          address (UDP)
//
// Flag 1: without segmentation. Flag 2: a retransmission, whose payloads begin with the original sequence numbers
// (RFC 4588 §4).

#ifndef FINCH_PACKET_ROW_H_
#define FINCH_PACKET_ROW_H_

#include <cstdint>

#include "socket_address.h"

namespace finch {

enum Operation : uint32_t { kUdpRun = 1, kInterleavedRun = 2, kUdpRaw = 3, kTcpRaw = 4 };

struct Row {
  uint32_t operation_and_flags;
  uint32_t fd;
  union {
    uint32_t plan;
    uint32_t arena_offset;
  };
  union {
    uint32_t first_packet;
    uint32_t length_bytes;
  };
  uint32_t packets;
  uint32_t ssrc;
  uint32_t sequence_and_type;
  uint32_t timestamp;
  union {
    uint32_t original_sequence;
    uint32_t channel;
  };
  uint32_t sent_bytes;
  uint32_t address[kAddressWords];

  uint32_t Operation() const { return operation_and_flags & 0xff; }
  bool TakesNoSegmentation() const { return (operation_and_flags >> 8 & 1) != 0; }
  bool IsRetransmission() const { return (operation_and_flags >> 8 & 2) != 0; }

  // Goes on behind the first `count` packets of the run.
  void MoveOn(uint32_t count) {
    first_packet += count;
    packets -= count;
    sequence_and_type = (sequence_and_type & 0xffff0000) | ((sequence_and_type + count) & 0xffff);
    if (IsRetransmission()) original_sequence = (original_sequence + count) & 0xffff;
  }
};

constexpr uint32_t kRowWords = 16;
static_assert(sizeof(Row) == kRowWords * sizeof(uint32_t));

}  // namespace finch

#endif  // FINCH_PACKET_ROW_H_
