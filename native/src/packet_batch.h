// The packet batch: all RTP and RTCP of one turn of a task thread, sent by one call.
//
// JavaScript fills rows (packet_row.h), one for each run of packets of one viewer and track; flush() turns them into
// sendmmsg calls with UDP_SEGMENT runs (udp_messages.h), or a writev for the neighbouring rows of a stream
// (stream_writes.h). What could not be sent whole is reported (batch_memory.h).

#ifndef FINCH_PACKET_BATCH_H_
#define FINCH_PACKET_BATCH_H_

#include <napi.h>

namespace finch {

// Registers the class PacketBatch.
void InitPacketBatch(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_PACKET_BATCH_H_
