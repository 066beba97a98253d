#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "clock.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace finch {

namespace {

constexpr int kMaxUnsentBytes = 1 << 20;  // of one stream, in the kernel

constexpr int kListenBacklog = 1024;
// recvmmsg slots: a datagram longer than this is cut, and a cut RTCP packet is not valid.
constexpr uint32_t kMaxDatagrams = 32;
constexpr uint32_t kDatagramWords = 1 + kAddressWords;

// What a descriptor of a receive set is; a connecting stream becomes a stream with its first row.
enum ReceiveKind : uint32_t { kDatagrams = 0, kStream = 1, kConnecting = 2 };
constexpr int kMaxReady = 64;             // descriptors served by one receiveSetTake()
constexpr uint32_t kReceiveRowWords = 8;  // of which seven are used
constexpr uint32_t kTagBits = 30;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t));

int Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

Napi::Value Result(Napi::Env env, ssize_t result) {
  return Napi::Number::New(env, static_cast<double>(result < 0 ? -errno : result));
}

// Closes the descriptor and reports the error that made it useless.
Napi::Value CloseAndFail(Napi::Env env, int fd) {
  int error = errno;
  close(fd);
  return Napi::Number::New(env, -error);
}

// tcpListen(address: Uint32Array, dualStack): descriptor
Napi::Value TcpListen(const Napi::CallbackInfo& info) {
  sockaddr_storage address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int v6_only = info[1].As<Napi::Boolean>() ? 0 : 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) < 0 || listen(fd, kListenBacklog) < 0) {
    return CloseAndFail(info.Env(), fd);
  }
  return Napi::Number::New(info.Env(), fd);
}

// tcpAccept(listener, peer: Uint32Array): descriptor
Napi::Value TcpAccept(const Napi::CallbackInfo& info) {
  sockaddr_storage peer;
  socklen_t length = sizeof peer;
  int fd = accept4(Int(info[0]), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // What the kernel holds is out of reach: megabytes of it would hide that a viewer does not keep up.
  int unsent = kMaxUnsentBytes;
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  StoreAddress(peer, info[1].As<Napi::Uint32Array>().Data());
  return Napi::Number::New(info.Env(), fd);
}

// socketName(fd, address: Uint32Array): 0
Napi::Value SocketName(const Napi::CallbackInfo& info) {
  sockaddr_storage local;
  socklen_t length = sizeof local;
  int result = getsockname(Int(info[0]), reinterpret_cast<sockaddr*>(&local), &length);
  if (result == 0) StoreAddress(local, info[1].As<Napi::Uint32Array>().Data());
  return Result(info.Env(), result);
}

// socketClose(fd): for descriptors that never became a context; those are closed by the event thread.
Napi::Value SocketClose(const Napi::CallbackInfo& info) { return Result(info.Env(), close(Int(info[0]))); }

// tcpReceive(fd, into: Uint8Array): bytes, 0 at the end of the stream
Napi::Value TcpReceive(const Napi::CallbackInfo& info) {
  Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
  return Result(info.Env(), recv(Int(info[0]), into.Data(), into.ByteLength(), 0));
}

// tcpSend(fd, bytes: Uint8Array, from): bytes
Napi::Value TcpSend(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  size_t from = std::min<size_t>(info[2].As<Napi::Number>().Uint32Value(), bytes.ByteLength());
  return Result(info.Env(), send(Int(info[0]), bytes.Data() + from, bytes.ByteLength() - from, MSG_NOSIGNAL));
}

// udpBind(address: Uint32Array, sendBufferBytes, receiveBufferBytes): descriptor
Napi::Value UdpBind(const Napi::CallbackInfo& info) {
  sockaddr_storage address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int send_buffer = Int(info[1]);
  int receive_buffer = Int(info[2]);
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Best effort: the kernel clamps both to its limits (net.core.wmem_max, rmem_max).
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) < 0) return CloseAndFail(info.Env(), fd);
  return Napi::Number::New(info.Env(), fd);
}

// udpReceive(fd, into: Uint8Array, slotBytes, rows: Uint32Array): datagrams.
// Datagram i lies at i * slotBytes; row i holds its length in bytes and its sender's address.
Napi::Value UdpReceive(const Napi::CallbackInfo& info) {
  Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
  Napi::Uint32Array rows = info[3].As<Napi::Uint32Array>();
  uint32_t slot_bytes = info[2].As<Napi::Number>().Uint32Value();
  if (slot_bytes == 0) return Napi::Number::New(info.Env(), -EINVAL);
  uint32_t room = std::min<uint32_t>(into.ByteLength() / slot_bytes, rows.ElementLength() / kDatagramWords);
  room = std::min(room, kMaxDatagrams);
  mmsghdr messages[kMaxDatagrams] = {};
  iovec slots[kMaxDatagrams];
  sockaddr_storage senders[kMaxDatagrams];
  for (uint32_t i = 0; i < room; i++) {
    slots[i] = {into.Data() + static_cast<size_t>(i) * slot_bytes, slot_bytes};
    messages[i].msg_hdr.msg_iov = &slots[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &senders[i];
    messages[i].msg_hdr.msg_namelen = sizeof senders[i];
  }
  int count = recvmmsg(Int(info[0]), messages, room, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; i++) {
    uint32_t* row = rows.Data() + i * kDatagramWords;
    row[0] = messages[i].msg_len;
    StoreAddress(senders[i], row + 1);
  }
  return Result(info.Env(), count);
}

// tcpConnect(address: Uint32Array, local: Uint32Array | null, receiveBufferBytes): descriptor of a stream that
// connects. A receive buffer has to be named before the window is: 0 leaves it to the kernel.
Napi::Value TcpConnect(const Napi::CallbackInfo& info) {
  sockaddr_storage address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int receive_buffer = Int(info[2]);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (!info[1].IsNull()) {
    sockaddr_storage local;
    socklen_t local_length = LoadAddress(info[1].As<Napi::Uint32Array>().Data(), &local);
    // The port is chosen by connect(), so that it need be free for this one peer only.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr*>(&local), local_length) < 0) return CloseAndFail(info.Env(), fd);
  }
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), length) < 0 && errno != EINPROGRESS) {
    return CloseAndFail(info.Env(), fd);
  }
  return Napi::Number::New(info.Env(), fd);
}

// receiveOptions(fd, bufferBytes, takesRuns): 0. Times of arrival, a count of what the socket dropped, a buffer beyond
// net.core.rmem_max where we may (0 leaves it), and runs of equal datagrams in one piece (UDP_GRO). All best effort.
Napi::Value ReceiveOptions(const Napi::CallbackInfo& info) {
  int fd = Int(info[0]);
  int bytes = Int(info[1]);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  if (bytes > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  if (info[2].As<Napi::Boolean>()) setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  return Napi::Number::New(info.Env(), 0);
}

// --- Receive sets: many descriptors read by one call, for programs that receive more than they send ------------------

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

void StoreAddress(const sockaddr_storage& address, uint32_t* words) {
  memset(words, 0, kAddressWords * sizeof *words);
  if (address.ss_family == AF_INET) {
    const sockaddr_in& v4 = reinterpret_cast<const sockaddr_in&>(address);
    words[0] = 4;
    words[1] = ntohs(v4.sin_port);
    memcpy(words + 2, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.ss_family == AF_INET6) {
    const sockaddr_in6& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    words[0] = 6;
    words[1] = ntohs(v6.sin6_port);
    memcpy(words + 2, &v6.sin6_addr, sizeof v6.sin6_addr);
  }
}

socklen_t LoadAddress(const uint32_t* words, sockaddr_storage* address) {
  memset(address, 0, sizeof *address);
  if (words[0] == 4) {
    sockaddr_in* v4 = reinterpret_cast<sockaddr_in*>(address);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(words[1]));
    memcpy(&v4->sin_addr, words + 2, sizeof v4->sin_addr);
    return sizeof *v4;
  }
  if (words[0] != 6) return 0;
  sockaddr_in6* v6 = reinterpret_cast<sockaddr_in6*>(address);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(words[1]));
  memcpy(&v6->sin6_addr, words + 2, sizeof v6->sin6_addr);
  return sizeof *v6;
}

void InitSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("tcpListen", Napi::Function::New<TcpListen>(env));
  exports.Set("tcpAccept", Napi::Function::New<TcpAccept>(env));
  exports.Set("socketName", Napi::Function::New<SocketName>(env));
  exports.Set("socketClose", Napi::Function::New<SocketClose>(env));
  exports.Set("tcpReceive", Napi::Function::New<TcpReceive>(env));
  exports.Set("tcpSend", Napi::Function::New<TcpSend>(env));
  exports.Set("udpBind", Napi::Function::New<UdpBind>(env));
  exports.Set("udpReceive", Napi::Function::New<UdpReceive>(env));
  exports.Set("tcpConnect", Napi::Function::New<TcpConnect>(env));
  exports.Set("receiveOptions", Napi::Function::New<ReceiveOptions>(env));
  exports.Set("receiveSetOpen", Napi::Function::New<ReceiveSetOpen>(env));
  exports.Set("receiveSetAdd", Napi::Function::New<ReceiveSetAdd>(env));
  exports.Set("receiveSetRemove", Napi::Function::New<ReceiveSetRemove>(env));
  exports.Set("receiveSetTake", Napi::Function::New<ReceiveSetTake>(env));
}

}  // namespace finch
