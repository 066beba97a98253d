// Streams that were accepted (sockets.h).

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "socket_address.h"
#include "socket_call.h"
#include "sockets.h"

namespace finch {

namespace {

constexpr int kListenBacklog = 1024;
constexpr int kMaxUnsentBytes = 1 << 20;  // of one stream, in the kernel

// tcpListen(address: Uint32Array, dualStack): descriptor
Napi::Value TcpListen(const Napi::CallbackInfo& info) {
  KernelAddress address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int v6_only = info[1].As<Napi::Boolean>() ? 0 : 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (bind(fd, &address.any, length) < 0 || listen(fd, kListenBacklog) < 0) {
    return CloseAndFail(info.Env(), fd);
  }
  return Napi::Number::New(info.Env(), fd);
}

// tcpAccept(listener, peer: Uint32Array): descriptor
Napi::Value TcpAccept(const Napi::CallbackInfo& info) {
  KernelAddress peer;
  socklen_t length = sizeof peer;
  int fd = accept4(Int(info[0]), &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
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

}  // namespace

void InitTcpSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("tcpListen", Napi::Function::New<TcpListen>(env));
  exports.Set("tcpAccept", Napi::Function::New<TcpAccept>(env));
  exports.Set("tcpReceive", Napi::Function::New<TcpReceive>(env));
  exports.Set("tcpSend", Napi::Function::New<TcpSend>(env));
}

}  // namespace finch
