#include "event_thread.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

#include "signal_port.h"
#include "thread_index.h"

namespace finch {

namespace {

constexpr int kMaxEventsPerWait = 256;
constexpr uint64_t kWakeUpId = ~0ull;
// What contextArm() takes; core/src/reactor/event-context.ts is the other face.
constexpr uint32_t kReadable = 1;
constexpr uint32_t kWritable = 2;

struct Context {
  int fd = -1;
  uint32_t generation = 1;
  uint32_t armed = 0;
  TaskRef task = {0};
};

// Context ids are laid out as task references are, without a thread: generation above slot.
uint64_t MakeId(uint32_t slot, uint32_t generation) { return (static_cast<uint64_t>(generation) << kSlotBits) | slot; }

class EventThread {
 public:
  int Start() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (thread_.joinable()) return -EALREADY;
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd_ < 0) return -errno;
    wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd_ < 0) {
      int error = errno;
      close(epoll_fd_);
      return -error;
    }
    epoll_event wake = {};
    wake.events = EPOLLIN;
    wake.data.u64 = kWakeUpId;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &wake);
    stopping_ = false;
    thread_ = std::thread([this] { Run(); });
    return 0;
  }

  // Joins the thread and closes every descriptor that is still registered. Returns how many there were.
  int Stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!thread_.joinable()) return 0;
      stopping_ = true;  // nothing opens from now on
    }
    WakeUp();
    thread_.join();
    std::lock_guard<std::mutex> lock(mutex_);
    thread_ = std::thread();
    int left = 0;
    for (uint32_t slot = 0; slot < contexts_.size(); slot++) {
      Context& context = contexts_[slot];
      if (context.fd < 0) continue;
      close(context.fd);
      context.fd = -1;
      context.generation = NextGeneration(context.generation);  // ids of this life mean nothing in the next
      free_slots_.push_back(slot);
      left++;
    }
    count_ = 0;
    close(wake_fd_);
    close(epoll_fd_);
    return left;
  }

  // Takes over the descriptor. Returns the context's id, or -errno (then the caller still owns the descriptor).
  int64_t Open(int fd, TaskRef task) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!thread_.joinable() || stopping_) return -ESHUTDOWN;
    uint32_t slot;
    if (!free_slots_.empty()) {
      slot = free_slots_.back();
      free_slots_.pop_back();
    } else {
      slot = static_cast<uint32_t>(contexts_.size());
      contexts_.emplace_back();
    }
    Context& context = contexts_[slot];
    epoll_event event = {};
    event.events = EPOLLONESHOT;  // registered, deaf until armed
    event.data.u64 = MakeId(slot, context.generation);
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0) {
      free_slots_.push_back(slot);
      return -errno;
    }
    context.fd = fd;
    context.task = task;
    context.armed = 0;
    count_++;
    return static_cast<int64_t>(event.data.u64);
  }

  // What wakes the event thread is done without the lock, or that thread, awake at once, would wait for it. The
  // descriptor stays open meanwhile: the task that arms its context is the one that closes it.
  int Arm(uint64_t id, uint32_t mask) {
    epoll_event event = {};
    event.events = EPOLLONESHOT;
    if (mask & kReadable) event.events |= EPOLLIN | EPOLLRDHUP;
    if (mask & kWritable) event.events |= EPOLLOUT;
    event.data.u64 = id;
    int fd;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Context* context = Resolve(id);
      if (context == nullptr) return -EBADF;
      context->armed = mask;
      fd = context->fd;
    }
    return epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
  }

  int Close(uint64_t id) {
    bool is_first;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Context* context = Resolve(id);
      if (context == nullptr) return -EBADF;
      uint32_t slot = static_cast<uint32_t>(id) & ((1u << kSlotBits) - 1);
      context->generation = NextGeneration(context->generation);
      closing_.push_back({context->fd, slot});
      context->fd = -1;
      count_--;
      is_first = closing_.size() == 1;
    }
    if (is_first) WakeUp();
    return 0;
  }

  // Forgets the context and gives its descriptor back, open. Nothing is heard of it any more: an event that is under
  // way finds another generation. Returns the descriptor, or -EBADF.
  int Release(uint64_t id) {
    std::lock_guard<std::mutex> lock(mutex_);
    Context* context = Resolve(id);
    if (context == nullptr) return -EBADF;
    int fd = context->fd;
    epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
    context->generation = NextGeneration(context->generation);
    context->fd = -1;
    free_slots_.push_back(static_cast<uint32_t>(id) & ((1u << kSlotBits) - 1));
    count_--;
    return fd;
  }

  uint32_t Count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_ + static_cast<uint32_t>(closing_.size() + leaving_.size());
  }

 private:
  struct Closing {
    int fd;
    uint32_t slot;
  };

  static uint32_t NextGeneration(uint32_t generation) {
    uint32_t next = (generation + 1) & ((1u << kGenerationBits) - 1);
    return next == 0 ? 1 : next;
  }

  Context* Resolve(uint64_t id) {
    uint32_t slot = static_cast<uint32_t>(id) & ((1u << kSlotBits) - 1);
    if (slot >= contexts_.size()) return nullptr;
    Context& context = contexts_[slot];
    return context.fd >= 0 && MakeId(slot, context.generation) == id ? &context : nullptr;
  }

  void WakeUp() {
    uint64_t one = 1;
    ssize_t written = write(wake_fd_, &one, sizeof one);
    (void)written;  // a full counter wakes just as well
  }

  void Run() {
    epoll_event events[kMaxEventsPerWait];
    for (;;) {
      int count = epoll_wait(epoll_fd_, events, kMaxEventsPerWait, -1);
      if (count < 0 && errno != EINTR) return;
      for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == kWakeUpId) {
          uint64_t drained;
          ssize_t got = read(wake_fd_, &drained, sizeof drained);
          (void)got;
        } else {
          Deliver(events[i]);
        }
      }
      if (!CloseLeavers()) return;
    }
  }

  void Deliver(const epoll_event& event) {
    TaskRef task;
    uint32_t bits = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Context* context = Resolve(event.data.u64);
      if (context == nullptr) return;
      if (event.events & (EPOLLIN | EPOLLRDHUP)) bits |= kReadEvent;
      if (event.events & EPOLLOUT) bits |= kWriteEvent;
      // An error or hang-up is heard by whoever waits: the next read or write tells them what it was.
      if (event.events & (EPOLLERR | EPOLLHUP)) {
        bits |= (context->armed & kWritable ? kWriteEvent : 0) | (context->armed & kReadable ? kReadEvent : 0);
      }
      context->armed = 0;
      task = context->task;
    }
    if (bits != 0) SignalTask(task, bits);
  }

  // Closes what was given up since the last turn; false when the thread shall end. To close takes long, by the hundred,
  // and task threads that arm or open contexts meanwhile must not wait for it: so it is done without the lock.
  bool CloseLeavers() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      leaving_.swap(closing_);
    }
    for (const Closing& leaver : leaving_) {
      epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, leaver.fd, nullptr);
      close(leaver.fd);
    }
    std::lock_guard<std::mutex> lock(mutex_);
    for (const Closing& leaver : leaving_) free_slots_.push_back(leaver.slot);
    leaving_.clear();
    return !stopping_ || !closing_.empty();
  }

  std::mutex mutex_;
  std::thread thread_;
  std::vector<Context> contexts_;
  std::vector<uint32_t> free_slots_;
  std::vector<Closing> closing_;  // given up since the last turn
  std::vector<Closing> leaving_;  // being closed; changed by the event thread alone, under the lock
  uint32_t count_ = 0;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  bool stopping_ = false;
};

// One a process; never destroyed, because a worker may still close a context while the process exits.
EventThread& Instance() {
  static EventThread* instance = new EventThread;
  return *instance;
}

uint64_t IdArgument(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }

Napi::Value Start(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Instance().Start()); }

Napi::Value Stop(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Instance().Stop()); }

Napi::Value Open(const Napi::CallbackInfo& info) {
  int64_t id = Instance().Open(info[0].As<Napi::Number>().Int32Value(), TaskRef{IdArgument(info[1])});
  return Napi::Number::New(info.Env(), static_cast<double>(id));
}

Napi::Value Arm(const Napi::CallbackInfo& info) {
  int result = Instance().Arm(IdArgument(info[0]), info[1].As<Napi::Number>().Uint32Value());
  return Napi::Number::New(info.Env(), result);
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Instance().Close(IdArgument(info[0])));
}

Napi::Value Release(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Instance().Release(IdArgument(info[0])));
}

Napi::Value Count(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Instance().Count()); }

}  // namespace

void InitEventThread(Napi::Env env, Napi::Object exports) {
  exports.Set("eventThreadStart", Napi::Function::New<Start>(env));
  exports.Set("eventThreadStop", Napi::Function::New<Stop>(env));
  exports.Set("contextOpen", Napi::Function::New<Open>(env));
  exports.Set("contextArm", Napi::Function::New<Arm>(env));
  exports.Set("contextClose", Napi::Function::New<Close>(env));
  exports.Set("contextRelease", Napi::Function::New<Release>(env));
  exports.Set("contextCount", Napi::Function::New<Count>(env));
}

}  // namespace finch
