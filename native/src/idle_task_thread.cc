#include "idle_task_thread.h"

#include <errno.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "clock.h"
#include "signal_port.h"
#include "thread_index.h"

namespace finch {

namespace {

constexpr int64_t kNever = INT64_MAX;

struct WatchedThread {
  const double* running_since_us;  // in the thread's statistics page; 0 when nothing runs
  double reported_since_us;
};

class IdleTaskThread {
 public:
  int Start() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (thread_.joinable()) return -EALREADY;
    stopping_ = false;
    thread_ = std::thread([this] { Run(); });
    return 0;
  }

  void Stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!thread_.joinable()) return;
      stopping_ = true;
      changed_.notify_one();
    }
    thread_.join();
    std::lock_guard<std::mutex> lock(mutex_);
    deadlines_.clear();
    by_task_.clear();
    watched_.clear();
  }

  void Set(uint64_t task, int64_t delay_us) {
    std::lock_guard<std::mutex> lock(mutex_);
    int64_t deadline_us = MonotonicUs() + delay_us;
    Forget(task);
    by_task_[task] = deadline_us;
    auto place = deadlines_.emplace(deadline_us, task).first;
    if (place == deadlines_.begin()) changed_.notify_one();
  }

  void Cancel(uint64_t task) {
    std::lock_guard<std::mutex> lock(mutex_);
    Forget(task);
  }

  size_t Count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return deadlines_.size();
  }

  void Watch(const double* running_since_us, int64_t limit_us, TaskRef supervisor) {
    std::lock_guard<std::mutex> lock(mutex_);
    watched_.push_back({running_since_us, 0});
    limit_us_ = limit_us;
    supervisor_ = supervisor;
    changed_.notify_one();
  }

 private:
  void Forget(uint64_t task) {
    auto found = by_task_.find(task);
    if (found == by_task_.end()) return;
    deadlines_.erase({found->second, task});
    by_task_.erase(found);
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
      int64_t now_us = MonotonicUs();
      int64_t next_us = FireDue(now_us);
      if (!watched_.empty()) {
        LookAtThreads(static_cast<double>(now_us));
        next_us = std::min(next_us, now_us + limit_us_);
      }
      if (next_us == kNever) {
        changed_.wait(lock);
      } else {
        changed_.wait_for(lock, std::chrono::microseconds(next_us - now_us));
      }
    }
  }

  int64_t FireDue(int64_t now_us) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
      uint64_t task = deadlines_.begin()->second;
      deadlines_.erase(deadlines_.begin());
      by_task_.erase(task);
      SignalTask(TaskRef{task}, kIdleEvent);
    }
    return deadlines_.empty() ? kNever : deadlines_.begin()->first;
  }

  void LookAtThreads(double now_us) {
    for (WatchedThread& thread : watched_) {
      double since_us;
      __atomic_load(thread.running_since_us, &since_us, __ATOMIC_RELAXED);
      if (since_us == 0 || since_us == thread.reported_since_us || now_us - since_us < limit_us_) continue;
      thread.reported_since_us = since_us;
      SignalTask(supervisor_, kUpdateEvent);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
  std::set<std::pair<int64_t, uint64_t>> deadlines_;
  std::map<uint64_t, int64_t> by_task_;
  std::vector<WatchedThread> watched_;
  int64_t limit_us_ = kNever;
  TaskRef supervisor_ = {0};
  bool stopping_ = false;
};

// One a process; never destroyed, because workers may still set timers while the process exits.
IdleTaskThread& Instance() {
  static IdleTaskThread* instance = new IdleTaskThread;
  return *instance;
}

uint64_t TaskArgument(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }

Napi::Value Start(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Instance().Start()); }

void Stop(const Napi::CallbackInfo& info) { Instance().Stop(); }

// idleTimerSet(task, delayUs)
void Set(const Napi::CallbackInfo& info) {
  Instance().Set(TaskArgument(info[0]), info[1].As<Napi::Number>().Int64Value());
}

void Cancel(const Napi::CallbackInfo& info) { Instance().Cancel(TaskArgument(info[0])); }

Napi::Value Count(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Instance().Count()); }

// watchThread(page: Float64Array, runningSinceIndex, limitUs, supervisor). The caller keeps the page alive until
// idleThreadStop().
void Watch(const Napi::CallbackInfo& info) {
  const double* page = info[0].As<Napi::Float64Array>().Data();
  Instance().Watch(page + info[1].As<Napi::Number>().Uint32Value(), info[2].As<Napi::Number>().Int64Value(),
                   TaskRef{TaskArgument(info[3])});
}

}  // namespace

void InitIdleTaskThread(Napi::Env env, Napi::Object exports) {
  exports.Set("idleThreadStart", Napi::Function::New<Start>(env));
  exports.Set("idleThreadStop", Napi::Function::New<Stop>(env));
  exports.Set("idleTimerSet", Napi::Function::New<Set>(env));
  exports.Set("idleTimerCancel", Napi::Function::New<Cancel>(env));
  exports.Set("idleTimerCount", Napi::Function::New<Count>(env));
  exports.Set("watchThread", Napi::Function::New<Watch>(env));
}

}  // namespace finch
