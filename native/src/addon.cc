// The addon's entry: loaded once by every thread that needs it, with nothing shared but what each file says.

#include <errno.h>
#include <malloc.h>
#include <napi.h>
#include <sched.h>
#include <unistd.h>

#include "clock.h"
#include "connection_queue.h"
#include "event_thread.h"
#include "idle_task_thread.h"
#include "mapped_file.h"
#include "packet_batch.h"
#include "signal_port.h"
#include "sockets.h"

namespace {

// What a thread frees in an arena of its own is of no use to the others: with one for each thread of V8 and of ours, a
// server of a thousand viewers holds some megabytes more. None of them allocates by malloc for a packet.
constexpr int kMaxMallocArenas = 2;

Napi::Value NowUs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(finch::MonotonicUs()));
}

// signalTask(ref, events): 0 or -ESRCH
Napi::Value SignalTask(const Napi::CallbackInfo& info) {
  finch::TaskRef ref = {static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value())};
  return Napi::Number::New(info.Env(), finch::SignalTask(ref, info[1].As<Napi::Number>().Uint32Value()));
}

// pinThread(index): keeps this thread on the index-th (modulo their number) of the processors that the process may use;
// 0 or -errno
Napi::Value PinThread(const Napi::CallbackInfo& info) {
  uint32_t left = info[0].As<Napi::Number>().Uint32Value();
  cpu_set_t allowed;
  if (sched_getaffinity(getpid(), sizeof(allowed), &allowed) != 0) return Napi::Number::New(info.Env(), -errno);
  left %= static_cast<uint32_t>(CPU_COUNT(&allowed));
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed) || left-- > 0) cpu++;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return Napi::Number::New(info.Env(), sched_setaffinity(0, sizeof(one), &one) == 0 ? 0 : -errno);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
#ifdef M_ARENA_MAX  // glibc
  mallopt(M_ARENA_MAX, kMaxMallocArenas);
#endif
  exports.Set("nowUs", Napi::Function::New<NowUs>(env));
  exports.Set("signalTask", Napi::Function::New<SignalTask>(env));
  exports.Set("pinThread", Napi::Function::New<PinThread>(env));
  finch::InitSignalPort(env, exports);
  finch::InitConnectionQueue(env, exports);
  finch::InitEventThread(env, exports);
  finch::InitIdleTaskThread(env, exports);
  finch::InitSockets(env, exports);
  finch::InitTcpSockets(env, exports);
  finch::InitUdpSockets(env, exports);
  finch::InitClientSockets(env, exports);
  finch::InitReceiveSets(env, exports);
  finch::InitMappedFile(env, exports);
  finch::InitPacketBatch(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(finch, Init)
