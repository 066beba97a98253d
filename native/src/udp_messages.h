// Rows over UDP: gathered from neighbouring rows of one socket and sent by one sendmmsg, equal packets of a row as a
// run that the kernel cuts (UDP_SEGMENT). Filled by the packet batch during a flush.
// Rule: a socket that is full gets nothing more in that flush; what stops one viewer's row leaves the others alone.

#ifndef FINCH_UDP_MESSAGES_H_
#define FINCH_UDP_MESSAGES_H_

#include <sys/socket.h>

#include <cstdint>

#include "batch_memory.h"
#include "packet_gather.h"
#include "packet_plans.h"

namespace finch {

class UdpMessages {
 public:
  explicit UdpMessages(BatchMemory* memory) : memory_(memory) {}

  // Gathers the row's packets, which are there.
  void AddRun(uint32_t index, const Plan& plan);
  void AddRaw(uint32_t index);

  // Sends what has been gathered, in order, and starts afresh.
  void Send();

  // After the last row of a flush: sends, and forgets which socket was full.
  void EndFlush();

 private:
  static constexpr uint32_t kMaxPackets = 1024;  // in one row, and gathered for one sendmmsg
  static constexpr size_t kControlBytes = CMSG_SPACE(sizeof(uint16_t));

  // One datagram, or a run of equal ones that the kernel cuts (the last may be shorter).
  struct Message {
    uint32_t row;
    uint32_t packets;
    uint32_t segment_bytes;
    uint32_t bytes;
    uint32_t first_vector;
    bool open;  // takes another segment
  };

  bool MakeRoom(uint32_t index, uint32_t packets);
  Message* OpenMessage(uint32_t index, uint32_t segment_bytes);
  void FillKernelMessages();
  uint32_t AfterRefusal(uint32_t at, int error);
  int SendRowSingly(uint32_t* at);
  int SendSingly(uint32_t at);
  void LeaveForLater(uint32_t at);

  BatchMemory* const memory_;
  int blocked_fd_ = -1;
  int fd_ = -1;
  uint32_t count_ = 0;
  Message messages_[kMaxPackets];
  mmsghdr kernel_messages_[kMaxPackets];
  KernelAddress addresses_[kMaxPackets];
  alignas(cmsghdr) uint8_t controls_[kMaxPackets][kControlBytes];
  PacketGather<kMaxPackets> gather_;
};

}  // namespace finch

#endif  // FINCH_UDP_MESSAGES_H_
