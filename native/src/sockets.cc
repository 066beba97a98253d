#include "sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include "socket_address.h"
#include "socket_call.h"

namespace finch {

namespace {

// socketName(fd, address: Uint32Array): 0
Napi::Value SocketName(const Napi::CallbackInfo& info) {
  KernelAddress local;
  socklen_t length = sizeof local;
  int result = getsockname(Int(info[0]), &local.any, &length);
  if (result == 0) StoreAddress(local, info[1].As<Napi::Uint32Array>().Data());
  return Result(info.Env(), result);
}

// socketClose(fd): for descriptors that never became a context; those are closed by the event thread.
Napi::Value SocketClose(const Napi::CallbackInfo& info) { return Result(info.Env(), close(Int(info[0]))); }

}  // namespace

void InitSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("socketName", Napi::Function::New<SocketName>(env));
  exports.Set("socketClose", Napi::Function::New<SocketClose>(env));
}

}  // namespace finch
