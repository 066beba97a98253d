// Connections on their way between threads: accepted ones to the thread that serves them, and word of their end to the
// thread that counts them.
//
// A queue a thread, of rows that mean nothing here. Whoever puts a row in signals a task of the thread, if it is to be
// taken soon.

#ifndef FINCH_CONNECTION_QUEUE_H_
#define FINCH_CONNECTION_QUEUE_H_

#include <napi.h>

namespace finch {

// Registers connectionPut and connectionTake.
void InitConnectionQueue(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_CONNECTION_QUEUE_H_
