// Datagrams of the server (sockets.h).

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "path_mtu.h"
#include "socket_address.h"
#include "socket_call.h"
#include "sockets.h"

namespace finch {

namespace {

// recvmmsg slots: a datagram longer than this is cut, and a cut RTCP packet is not valid.
constexpr uint32_t kMaxDatagrams = 32;
constexpr uint32_t kDatagramWords = 1 + kAddressWords;

// udpBind(address: Uint32Array, sendBufferBytes, receiveBufferBytes): descriptor
Napi::Value UdpBind(const Napi::CallbackInfo& info) {
  KernelAddress address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int send_buffer = Int(info[1]);
  int receive_buffer = Int(info[2]);
  if (address.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  SendWhole(fd);
  // Best effort: the kernel clamps both to its limits (net.core.wmem_max, rmem_max).
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (bind(fd, &address.any, length) < 0) return CloseAndFail(info.Env(), fd);
  return Napi::Number::New(info.Env(), fd);
}

// udpSendOnly(fd): 0 or -errno. From now on the kernel drops what arrives, with a filter that takes 0 bytes of everything.
Napi::Value UdpSendOnly(const Napi::CallbackInfo& info) {
  sock_filter take_nothing = {BPF_RET | BPF_K, 0, 0, 0};
  sock_fprog filter = {1, &take_nothing};
  return Result(info.Env(), setsockopt(Int(info[0]), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
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
  KernelAddress senders[kMaxDatagrams];
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

}  // namespace

void InitUdpSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("udpBind", Napi::Function::New<UdpBind>(env));
  exports.Set("udpSendOnly", Napi::Function::New<UdpSendOnly>(env));
  exports.Set("udpReceive", Napi::Function::New<UdpReceive>(env));
}

}  // namespace finch
