// A signal port: how any thread wakes a task of one JavaScript thread.
//
// Producers (the event thread, the idle-task thread, other JavaScript threads) call SignalTask(); the owner drains
// triples (slot, generation, events). Bits for one slot are merged, so a port never holds more than one entry a task:
// its size is bounded by the number of tasks, whatever anybody sends.

#ifndef FINCH_SIGNAL_PORT_H_
#define FINCH_SIGNAL_PORT_H_

#include <napi.h>

#include "thread_index.h"

namespace finch {

// Raises `events` in a task of any thread. Returns 0, or -ESRCH when that thread has no port (any more).
int SignalTask(TaskRef ref, uint32_t events);

// Registers the class SignalPort.
void InitSignalPort(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_SIGNAL_PORT_H_
