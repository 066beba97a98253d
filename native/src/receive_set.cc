// Receive sets (sockets.h): an epoll descriptor, and one call that reads all that is ready.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "clock.h"
#include "socket_call.h"
#include "sockets.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace finch {

namespace {

// What a descriptor of a receive set is; a connecting stream becomes a stream with its first row.
enum ReceiveKind : uint32_t { kDatagrams = 0, kStream = 1, kConnecting = 2 };
constexpr int kMaxReady = 64;             // descriptors served by one receiveSetTake()
constexpr uint32_t kMaxDatagrams = 32;    // of one socket, by one call
constexpr uint32_t kReceiveRowWords = 8;  // of which seven are used
constexpr uint32_t kTagBits = 30;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t));

// receiveSetOpen(): descriptor of the set, which is readable when one of its members is
Napi::Value ReceiveSetOpen(const Napi::CallbackInfo& info) { return Result(info.Env(), epoll_create1(EPOLL_CLOEXEC)); }

int ChangeMember(int set, int operation, int fd, uint32_t kind, uint32_t tag) {
  epoll_event event = {};
  event.events = kind == kConnecting ? EPOLLOUT : EPOLLIN;
  event.data.u64 = static_cast<uint64_t>(kind) << 62 | static_cast<uint64_t>(tag) << 32 | static_cast<uint32_t>(fd);
  return epoll_ctl(set, operation, fd, &event);
}

// receiveSetAdd(set, fd, kind, tag): 0. Closing the descriptor takes it out again.
Napi::Value ReceiveSetAdd(const Napi::CallbackInfo& info) {
  uint32_t tag = info[3].As<Napi::Number>().Uint32Value() & ((1u << kTagBits) - 1);
  return Result(info.Env(),
                ChangeMember(Int(info[0]), EPOLL_CTL_ADD, Int(info[1]), info[2].As<Napi::Number>().Uint32Value(), tag));
}

// receiveSetRemove(set, fd): 0
Napi::Value ReceiveSetRemove(const Napi::CallbackInfo& info) {
  return Result(info.Env(), epoll_ctl(Int(info[0]), EPOLL_CTL_DEL, Int(info[1]), nullptr));
}

// CLOCK_MONOTONIC minus CLOCK_REALTIME, which is the one that the kernel stamps arrivals with.
double RealToMonotonicUs() {
  timespec real;
  clock_gettime(CLOCK_REALTIME, &real);
  return static_cast<double>(MonotonicUs() - (static_cast<int64_t>(real.tv_sec) * 1000000 + real.tv_nsec / 1000));
}

// The memory of one receiveSetTake() and where it stands in it.
//
//  word of a row   0 tag   1 kind   2 bytes, or -errno; 0 is the end of a stream, or a connection that is there
//                  3 offset of the bytes   4 bytes of one segment of a run, 0 when it is none
//                  5 arrival in us of the monotonic clock   6 datagrams this socket has dropped so far   7 -
struct ReceiveArea {
  uint8_t* bytes;
  uint32_t slot_bytes;
  double* rows;
  uint32_t room;
  double clock_offset_us;
  double now_us;
  uint32_t used = 0;

  void AddRow(uint32_t tag, uint32_t kind, double result, const msghdr* header) {
    double* row = rows + used * kReceiveRowWords;
    row[0] = tag;
    row[1] = kind;
    row[2] = result;
    row[3] = static_cast<double>(used) * slot_bytes;
    row[4] = 0;
    row[5] = now_us;
    row[6] = 0;
    if (header != nullptr) ReadControl(const_cast<msghdr*>(header), row);
    used++;
  }

  void ReadControl(msghdr* header, double* row) {
    for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
      if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_TIMESTAMPNS) {
        timespec at;
        memcpy(&at, CMSG_DATA(control), sizeof at);
        if (at.tv_sec != 0) row[5] = at.tv_sec * 1e6 + at.tv_nsec / 1000 + clock_offset_us;
      } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
        uint32_t dropped;
        memcpy(&dropped, CMSG_DATA(control), sizeof dropped);
        row[6] = dropped;
      } else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
        int segment;
        memcpy(&segment, CMSG_DATA(control), sizeof segment);
        row[4] = segment;
      }
    }
  }
};

void TakeDatagrams(int fd, uint32_t tag, uint32_t most, ReceiveArea* area) {
  mmsghdr messages[kMaxDatagrams];
  iovec slots[kMaxDatagrams];
  alignas(cmsghdr) uint8_t controls[kMaxDatagrams][kControlBytes];
  uint32_t room = std::min({most, kMaxDatagrams, area->room - area->used});
  for (uint32_t i = 0; i < room; i++) {
    slots[i] = {area->bytes + static_cast<size_t>(area->used + i) * area->slot_bytes, area->slot_bytes};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &slots[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i];
    messages[i].msg_hdr.msg_controllen = kControlBytes;
  }
  int count = recvmmsg(fd, messages, room, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; i++) area->AddRow(tag, kDatagrams, messages[i].msg_len, &messages[i].msg_hdr);
}

void TakeStream(int fd, uint32_t tag, ReceiveArea* area) {
  alignas(cmsghdr) uint8_t control[kControlBytes];
  iovec slot = {area->bytes + static_cast<size_t>(area->used) * area->slot_bytes, area->slot_bytes};
  msghdr header = {};
  header.msg_iov = &slot;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = kControlBytes;
  ssize_t length = recvmsg(fd, &header, MSG_DONTWAIT);
  if (length >= 0) return area->AddRow(tag, kStream, static_cast<double>(length), &header);
  if (errno != EAGAIN && errno != EINTR) area->AddRow(tag, kStream, -errno, nullptr);
}

void FinishConnecting(int set, int fd, uint32_t tag, ReceiveArea* area) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0) ChangeMember(set, EPOLL_CTL_MOD, fd, kStream, tag);
  area->AddRow(tag, kConnecting, -error, nullptr);
}

// receiveSetTake(set, into: Uint8Array, slotBytes, most, rows: Float64Array): rows filled; 0 when nothing is there.
// Never waits. Each row has a slot of its own; `most` is how many datagrams one socket gets in a call.
Napi::Value ReceiveSetTake(const Napi::CallbackInfo& info) {
  int set = Int(info[0]);
  Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
  Napi::Float64Array rows = info[4].As<Napi::Float64Array>();
  uint32_t slot_bytes = info[2].As<Napi::Number>().Uint32Value();
  uint32_t most = info[3].As<Napi::Number>().Uint32Value();
  uint32_t room = std::min<uint32_t>(into.ByteLength() / slot_bytes, rows.ElementLength() / kReceiveRowWords);
  epoll_event events[kMaxReady];
  int count = epoll_wait(set, events, std::min<int>(kMaxReady, room), 0);
  if (count <= 0) return Result(info.Env(), count);
  ReceiveArea area = {into.Data(), slot_bytes,          rows.Data(),
                      room,        RealToMonotonicUs(), static_cast<double>(MonotonicUs())};
  for (int i = 0; i < count && area.used < room; i++) {
    int fd = static_cast<int>(events[i].data.u64 & 0xffffffff);
    uint32_t tag = static_cast<uint32_t>(events[i].data.u64 >> 32) & ((1u << kTagBits) - 1);
    uint32_t kind = static_cast<uint32_t>(events[i].data.u64 >> 62);
    if (kind == kConnecting)
      FinishConnecting(set, fd, tag, &area);
    else if (kind == kStream)
      TakeStream(fd, tag, &area);
    else
      TakeDatagrams(fd, tag, most, &area);
  }
  return Napi::Number::New(info.Env(), area.used);
}

}  // namespace

void InitReceiveSets(Napi::Env env, Napi::Object exports) {
  exports.Set("receiveSetOpen", Napi::Function::New<ReceiveSetOpen>(env));
  exports.Set("receiveSetAdd", Napi::Function::New<ReceiveSetAdd>(env));
  exports.Set("receiveSetRemove", Napi::Function::New<ReceiveSetRemove>(env));
  exports.Set("receiveSetTake", Napi::Function::New<ReceiveSetTake>(env));
}

}  // namespace finch
