// The sockets of the process: whose task hears that one is ready, and the event thread, which closes them.
//
// Each JavaScript thread has an epoll instance of its own, and its loop waits on that: readiness becomes a signal of
// the task on the thread that runs it, and no other thread has to wake in between. Interest is one-shot: after an event
// nothing is heard until the context is armed again. Events carry context ids, never pointers; an event for a context
// that is gone finds another generation and vanishes. A descriptor is closed by the event thread and only there, after
// it has left the epoll set, so no number is reused while an event for it is under way. One that shall live on under
// another task is released instead.

#ifndef FINCH_EVENT_THREAD_H_
#define FINCH_EVENT_THREAD_H_

#include <napi.h>

#include <cstdint>

namespace finch {

// The epoll instance of a JavaScript thread, readable while something is ready there. Made on first use and never
// closed. -errno when there is no descriptor for it.
int ReadinessOf(uint32_t thread);

// Turns what is ready into signals of the thread's tasks; `epoll_fd` is what ReadinessOf() gave. Called by that thread,
// which drains its port behind it.
void TakeReadiness(uint32_t thread, int epoll_fd);

// Registers eventThreadStart, eventThreadStop, contextOpen, contextArm, contextClose, contextRelease,
// contextCount.
void InitEventThread(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_EVENT_THREAD_H_
