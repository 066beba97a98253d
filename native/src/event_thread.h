// The event thread: one epoll for every socket of the process.
//
// It turns readiness into signals (SignalTask) and closes descriptors. Interest is one-shot: after an event nothing is
// heard until the context is armed again. Events carry context ids, never pointers; an event for a
// context that is gone finds another generation and vanishes. A descriptor is closed here and only here, after
// it has left the epoll set, so no number is reused while an event for it is under way. One that shall live on under
// another task is released instead.

#ifndef FINCH_EVENT_THREAD_H_
#define FINCH_EVENT_THREAD_H_

#include <napi.h>

namespace finch {

// Registers eventThreadStart, eventThreadStop, contextOpen, contextArm, contextClose, contextRelease,
// contextCount.
void InitEventThread(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_EVENT_THREAD_H_
