#include "connection_queue.h"

#include <array>
#include <cstring>
#include <deque>
#include <mutex>

#include "thread_index.h"

namespace finch {

namespace {

// core/src/server/connection-rows.ts is the other face.
constexpr size_t kRowWords = 9;

using Row = std::array<uint32_t, kRowWords>;

struct Queue {
  std::mutex mutex;
  std::deque<Row> rows;
};

// Never destroyed: a worker may still put something in while the process exits.
Queue* Queues() {
  static Queue* queues = new Queue[kMaxThreads];
  return queues;
}

// connectionPut(threadIndex, row: Uint32Array)
void Put(const Napi::CallbackInfo& info) {
  Queue& queue = Queues()[info[0].As<Napi::Number>().Uint32Value() & (kMaxThreads - 1)];
  Row row = {};
  Napi::Uint32Array words = info[1].As<Napi::Uint32Array>();
  if (words.ElementLength() < kRowWords) {
    Napi::RangeError::New(info.Env(), "row must have nine words").ThrowAsJavaScriptException();
    return;
  }
  std::memcpy(row.data(), words.Data(), sizeof row);
  std::lock_guard<std::mutex> lock(queue.mutex);
  queue.rows.push_back(row);
}

// connectionTake(threadIndex, into: Uint32Array): number of rows
Napi::Value Take(const Napi::CallbackInfo& info) {
  Queue& queue = Queues()[info[0].As<Napi::Number>().Uint32Value() & (kMaxThreads - 1)];
  Napi::Uint32Array into = info[1].As<Napi::Uint32Array>();
  size_t room = into.ElementLength() / kRowWords;
  uint32_t* out = into.Data();
  uint32_t count = 0;
  std::lock_guard<std::mutex> lock(queue.mutex);
  for (; count < room && !queue.rows.empty(); count++) {
    std::memcpy(out + count * kRowWords, queue.rows.front().data(), sizeof(Row));
    queue.rows.pop_front();
  }
  return Napi::Number::New(info.Env(), count);
}

}  // namespace

void InitConnectionQueue(Napi::Env env, Napi::Object exports) {
  exports.Set("connectionPut", Napi::Function::New<Put>(env));
  exports.Set("connectionTake", Napi::Function::New<Take>(env));
}

}  // namespace finch
