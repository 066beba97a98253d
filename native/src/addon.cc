// The addon's entry: loaded once by every thread that needs it, with nothing shared but what each file says.

#include <napi.h>

#include "clock.h"
#include "event_thread.h"
#include "idle_task_thread.h"
#include "mapped_file.h"
#include "packet_batch.h"
#include "signal_port.h"
#include "sockets.h"

namespace {

Napi::Value NowUs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(finch::MonotonicUs()));
}

// signalTask(ref, events): 0 or -ESRCH
Napi::Value SignalTask(const Napi::CallbackInfo& info) {
  finch::TaskRef ref = {static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value())};
  return Napi::Number::New(info.Env(), finch::SignalTask(ref, info[1].As<Napi::Number>().Uint32Value()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("nowUs", Napi::Function::New<NowUs>(env));
  exports.Set("signalTask", Napi::Function::New<SignalTask>(env));
  finch::InitSignalPort(env, exports);
  finch::InitEventThread(env, exports);
  finch::InitIdleTaskThread(env, exports);
  finch::InitSockets(env, exports);
  finch::InitMappedFile(env, exports);
  finch::InitPacketBatch(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(finch, Init)
