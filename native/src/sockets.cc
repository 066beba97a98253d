#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace finch {

namespace {

constexpr int kListenBacklog = 1024;
// recvmmsg slots: a datagram longer than this is cut, and a cut RTCP packet is not valid.
constexpr uint32_t kMaxDatagrams = 32;
constexpr uint32_t kDatagramWords = 1 + kAddressWords;

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
}

}  // namespace finch
