// The idle-task thread: timers that don't depend on a busy loop, and the watchdog.
//
// An idle timer signals kIdleEvent to its task once. It can be set again (earlier or later) and cancelled.
// The watchdog looks at the statistics page of each task thread: a run that has lasted longer than the limit raises
// kUpdateEvent in the supervisor's task, once for each such run. Without timers and pages the thread sleeps for good.

#ifndef FINCH_IDLE_TASK_THREAD_H_
#define FINCH_IDLE_TASK_THREAD_H_

#include <napi.h>

namespace finch {

// Registers idleThreadStart, idleThreadStop, idleTimerSet, idleTimerCancel, idleTimerCount, watchThread.
void InitIdleTaskThread(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_IDLE_TASK_THREAD_H_
