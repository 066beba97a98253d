#include "udp_messages.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cstring>

#include "path_mtu.h"
#include "socket_address.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace finch {

namespace {

constexpr uint32_t kMaxSegments = 64;     // UDP_MAX_SEGMENTS of older kernels
constexpr uint32_t kMaxRunBytes = 65507;  // an IPv4 datagram's payload; IPv6 allows 20 more

void AskForSegmentation(msghdr* header, uint8_t* memory, uint32_t segment_bytes) {
  header->msg_control = memory;
  header->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
  cmsghdr* control = CMSG_FIRSTHDR(header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  uint16_t segment = static_cast<uint16_t>(segment_bytes);
  memcpy(CMSG_DATA(control), &segment, sizeof segment);
}

}  // namespace

// A row is always gathered whole, so what is unsent of it can be told from its messages alone.
void UdpMessages::AddRun(uint32_t index, const Plan& plan) {
  const Row& row = memory_->rows[index];
  if (!MakeRoom(index, row.packets)) return;
  bool segment = !row.TakesNoSegmentation();
  uint32_t header_bytes = kRtpHeaderBytes + (row.IsRetransmission() ? kOriginalSequenceBytes : 0);
  Message* last = nullptr;
  for (uint32_t i = 0; i < row.packets; i++) {
    Packet packet = plan.PacketAt(row.first_packet + i);
    uint32_t bytes = header_bytes + packet.prefix_bytes + packet.slice_bytes;
    bool joins = segment && last != nullptr && last->open && bytes <= last->segment_bytes &&
                 last->packets < kMaxSegments && last->bytes + bytes <= kMaxRunBytes;
    if (!joins) last = OpenMessage(index, bytes);
    gather_.Add(packet, row, i, false);
    last->packets++;
    last->bytes += bytes;
    last->open = bytes == last->segment_bytes;
  }
}

void UdpMessages::AddRaw(uint32_t index) {
  const Row& row = memory_->rows[index];
  if (!memory_->HasInArena(row)) return memory_->Report(index, -EINVAL);
  if (!MakeRoom(index, 1)) return;
  Message* message = OpenMessage(index, row.length_bytes);
  gather_.AddBytes(memory_->arena + row.arena_offset, row.length_bytes);
  message->packets = 1;
  message->bytes = row.length_bytes;
  message->open = false;
}

// False (and reported) when the row's socket is full or the row is too long for one gathering.
bool UdpMessages::MakeRoom(uint32_t index, uint32_t packets) {
  int fd = static_cast<int>(memory_->rows[index].fd);
  if (count_ > 0 && (fd != fd_ || gather_.packets + packets > kMaxPackets)) Send();
  fd_ = fd;
  if (packets > kMaxPackets)
    memory_->Report(index, -EINVAL);
  else if (fd == blocked_fd_)
    memory_->Report(index, -EAGAIN);
  else
    return true;
  return false;
}

UdpMessages::Message* UdpMessages::OpenMessage(uint32_t index, uint32_t segment_bytes) {
  Message* message = &messages_[count_++];
  *message = {index, 0, segment_bytes, 0, gather_.used, true};
  return message;
}

void UdpMessages::Send() {
  FillKernelMessages();
  uint32_t next = 0;
  while (next < count_ && fd_ != blocked_fd_) {
    int sent = sendmmsg(fd_, kernel_messages_ + next, count_ - next, MSG_DONTWAIT | MSG_NOSIGNAL);
    memory_->CountSystemCall();
    if (sent <= 0) {
      next = AfterRefusal(next, errno);
      continue;
    }
    for (int i = 0; i < sent; i++) memory_->CountSent(messages_[next + i].packets, messages_[next + i].bytes);
    next += sent;
  }
  if (next < count_) LeaveForLater(next);
  count_ = 0;
  gather_.Clear();
}

void UdpMessages::EndFlush() {
  Send();
  blocked_fd_ = -1;
}

void UdpMessages::FillKernelMessages() {
  for (uint32_t i = 0; i < count_; i++) {
    const Message& message = messages_[i];
    uint32_t end = i + 1 < count_ ? messages_[i + 1].first_vector : gather_.used;
    msghdr& header = kernel_messages_[i].msg_hdr;
    header = {};
    header.msg_namelen = LoadAddress(memory_->rows[message.row].address, &addresses_[i]);
    header.msg_name = &addresses_[i];
    header.msg_iov = gather_.vectors + message.first_vector;
    header.msg_iovlen = end - message.first_vector;
    if (message.packets > 1) AskForSegmentation(&header, controls_[i], message.segment_bytes);
  }
}

// The kernel refused message `at`. Returns the message to go on with.
uint32_t UdpMessages::AfterRefusal(uint32_t at, int error) {
  if (error == EINTR) return at;
  if (error == EAGAIN || error == ENOBUFS) {
    blocked_fd_ = fd_;
    return at;
  }
  uint32_t row = messages_[at].row;
  bool segments = messages_[at].packets > 1;
  if (error == EMSGSIZE || (segments && (error == EIO || error == EINVAL || error == EOPNOTSUPP))) {
    // Too long for this path, a device that can't segment, or a destination that takes nothing: the datagrams tell.
    // Its viewer goes without from now on; no viewer slows down the others.
    error = SendRowSingly(&at);
    if (error == EAGAIN) return at;
    if (error == 0) {
      if (segments) memory_->Report(row, -EMSGSIZE);
      return at;
    }
  }
  memory_->Report(row, -error);
  while (at < count_ && messages_[at].row == row) at++;  // what stopped one stops the whole row
  return at;
}

// Sends what is left of a row, from message `*at` on, as datagrams of their own, in fragments where the path takes less.
// Returns 0 or an errno, with `*at` behind the last message that went.
int UdpMessages::SendRowSingly(uint32_t* at) {
  Fragments fragments(fd_);
  for (uint32_t row = messages_[*at].row; *at < count_ && messages_[*at].row == row; ++*at) {
    int error = SendSingly(*at);
    if (error != 0) return error;
  }
  return 0;
}

// Sends the packets of a message one by one: 0 or an errno. On EAGAIN the message keeps what is left.
int UdpMessages::SendSingly(uint32_t at) {
  Message& message = messages_[at];
  msghdr& header = kernel_messages_[at].msg_hdr;
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  iovec* vector = header.msg_iov;
  iovec* end = header.msg_iov + header.msg_iovlen;
  while (vector < end) {
    header.msg_iov = vector;
    uint32_t bytes = 0;
    while (vector < end && bytes < message.segment_bytes) bytes += static_cast<uint32_t>((vector++)->iov_len);
    header.msg_iovlen = vector - header.msg_iov;
    memory_->CountSystemCall();
    if (sendmsg(fd_, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno != EAGAIN && errno != ENOBUFS) return errno;
      blocked_fd_ = fd_;
      return EAGAIN;
    }
    memory_->CountSent(1, bytes);
    message.packets--;
  }
  return 0;
}

// The socket is full: every row from message `at` on is moved to what is left of it and reported.
void UdpMessages::LeaveForLater(uint32_t at) {
  while (at < count_) {
    uint32_t index = messages_[at].row, left = 0;
    for (; at < count_ && messages_[at].row == index; at++) left += messages_[at].packets;
    Row& row = memory_->rows[index];
    if (row.Operation() == kUdpRun) row.MoveOn(row.packets - left);
    memory_->Report(index, -EAGAIN);
  }
}

}  // namespace finch
