// The packet batch: all RTP and RTCP of one turn of a task thread, sent by one call.
//
// JavaScript fills rows of sixteen 32-bit words, one for each run of packets of one viewer and track; flush() turns
// them into sendmmsg calls with UDP_SEGMENT runs, or a writev for each interleaved run. A packet is a 12-byte RTP
// header written here, a prefix out of the packet plan and a slice of the mapped file.
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
//  10-15 address, as in sockets.h       -                          address (UDP)
//
// Rows that could not be sent whole are reported in `exceptions` as pairs (row, code). -EAGAIN: the row has been moved
// on to what is left of it (words 3, 4, 6 or 9), send it again later. -EMSGSIZE: sent, but without segmentation; set
// flag 1 from now on. Any other code: the row is lost. Flag 2: a retransmission, whose payloads begin with the original
// sequence numbers (RFC 4588 §4).

#ifndef FINCH_PACKET_BATCH_H_
#define FINCH_PACKET_BATCH_H_

#include <napi.h>

namespace finch {

// Registers the class PacketBatch.
void InitPacketBatch(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_PACKET_BATCH_H_
