// Sockets of clients (sockets.h).

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "socket_address.h"
#include "socket_call.h"
#include "sockets.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace finch {

namespace {

// tcpConnect(address: Uint32Array, local: Uint32Array | null, receiveBufferBytes): descriptor of a stream that
// connects. A receive buffer has to be named before the window is: 0 leaves it to the kernel.
Napi::Value TcpConnect(const Napi::CallbackInfo& info) {
  KernelAddress address;
  socklen_t length = LoadAddress(info[0].As<Napi::Uint32Array>().Data(), &address);
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Result(info.Env(), fd);
  int on = 1;
  int receive_buffer = Int(info[2]);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (!info[1].IsNull()) {
    KernelAddress local;
    socklen_t local_length = LoadAddress(info[1].As<Napi::Uint32Array>().Data(), &local);
    // The port is chosen by connect(), so that it need be free for this one peer only.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, &local.any, local_length) < 0) return CloseAndFail(info.Env(), fd);
  }
  if (connect(fd, &address.any, length) < 0 && errno != EINPROGRESS) {
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

}  // namespace

void InitClientSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("tcpConnect", Napi::Function::New<TcpConnect>(env));
  exports.Set("receiveOptions", Napi::Function::New<ReceiveOptions>(env));
}

}  // namespace finch
