#include "signal_port.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <mutex>
#include <vector>

namespace finch {

namespace {

// What one task was sent since the last drain.
struct Pending {
  uint32_t generation = 0;
  uint32_t events = 0;
};

// The part of a port that producers reach. It is never freed, and its descriptor never closed: who wakes the owner has
// let go of the mutex by then, or the owner, awake at once, would wait for him.
struct Mailbox {
  std::mutex mutex;
  int wake_fd = -1;    // an eventfd; made for the first owner
  bool owned = false;  // by a JavaScript thread
  bool woken = false;
  std::vector<Pending> pending;  // by slot
  std::vector<uint32_t> queue;   // slots with pending events, oldest first
};

Mailbox mailboxes[kMaxThreads];

// True when `a` was given out after `b`, in a counter that wraps.
bool IsNewer(uint32_t a, uint32_t b) {
  constexpr uint32_t kHalf = 1u << (kGenerationBits - 1);
  uint32_t distance = (a - b) & ((1u << kGenerationBits) - 1);
  return distance != 0 && distance < kHalf;
}

}  // namespace

int SignalTask(TaskRef ref, uint32_t events) {
  Mailbox& mailbox = mailboxes[ref.thread()];
  {
    std::lock_guard<std::mutex> lock(mailbox.mutex);
    if (!mailbox.owned) return -ESRCH;
    if (ref.slot() >= mailbox.pending.size()) mailbox.pending.resize(ref.slot() + 1);
    Pending& pending = mailbox.pending[ref.slot()];
    if (pending.events == 0) {
      mailbox.queue.push_back(ref.slot());
      pending.generation = ref.generation();
    } else if (pending.generation != ref.generation()) {
      // The slot has been given to another task since: what was meant for the older one vanishes.
      if (!IsNewer(ref.generation(), pending.generation)) return 0;
      pending = Pending{ref.generation(), 0};
    }
    pending.events |= events;
    if (mailbox.woken) return 0;
    mailbox.woken = true;
  }
  eventfd_write(mailbox.wake_fd, 1);  // fails only when it would not change anything
  return 0;
}

namespace {

class SignalPort;

// Later than any deadline, in microseconds; Infinity is, too.
constexpr double kUnarmed = 9e15;

// The libuv handles of a port. They outlive the JavaScript object until libuv has closed both.
struct PortHandles {
  SignalPort* owner = nullptr;  // null once the handles are closing
  uv_poll_t signals;            // of the mailbox's descriptor
  uv_poll_t timer;              // of timer_fd
  int wake_fd = -1;
  int timer_fd = -1;
  double armed_us = kUnarmed;  // what the timer waits for
  int open_handles = 0;
  napi_env env = nullptr;
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  napi_ref on_wake = nullptr;
};

void Wake(PortHandles* handles) {
  if (handles->owner == nullptr) return;
  Napi::Env env(handles->env);
  Napi::HandleScope scope(env);
  napi_value callback = nullptr;
  napi_get_reference_value(env, handles->on_wake, &callback);
  if (callback == nullptr) return;
  napi_value result;
  napi_value receiver = env.Global();
  if (napi_make_callback(env, handles->context, receiver, callback, 0, nullptr, &result) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
}

void OnSignals(uv_poll_t* signals, int, int) {
  PortHandles* handles = static_cast<PortHandles*>(signals->data);
  eventfd_t wakes;
  eventfd_read(handles->wake_fd, &wakes);  // may be meant for the owner before: to wake without cause does no harm
  Wake(handles);
}

void OnTimer(uv_poll_t* timer, int, int) {
  PortHandles* handles = static_cast<PortHandles*>(timer->data);
  uint64_t expirations;
  if (read(handles->timer_fd, &expirations, sizeof expirations) < 0) return;  // already re-armed
  handles->armed_us = kUnarmed;
  Wake(handles);
}

void OnHandleClosed(uv_handle_t* handle) {
  PortHandles* handles = static_cast<PortHandles*>(handle->data);
  if (--handles->open_handles > 0) return;
  close(handles->timer_fd);
  if (handles->hook != nullptr) napi_remove_async_cleanup_hook(handles->hook);
  delete handles;
}

class SignalPort : public Napi::ObjectWrap<SignalPort> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "SignalPort",
                       {InstanceMethod<&SignalPort::Drain>("drain"), InstanceMethod<&SignalPort::WakeAt>("wakeAt"),
                        InstanceMethod<&SignalPort::Close>("close")});
  }

  // new SignalPort(threadIndex, onWake)
  explicit SignalPort(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SignalPort>(info) {
    Napi::Env env = info.Env();
    thread_ = info[0].As<Napi::Number>().Uint32Value();
    if (thread_ >= kMaxThreads) {
      Napi::RangeError::New(env, "threadIndex must be 0..63").ThrowAsJavaScriptException();
      return;
    }
    uv_loop_t* loop;
    napi_get_uv_event_loop(env, &loop);
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer_fd < 0) {
      Napi::Error::New(env, "timerfd_create failed").ThrowAsJavaScriptException();
      return;
    }
    Mailbox& mailbox = mailboxes[thread_];
    std::lock_guard<std::mutex> lock(mailbox.mutex);
    if (mailbox.owned) {
      close(timer_fd);
      Napi::Error::New(env, "thread index is in use").ThrowAsJavaScriptException();
      return;
    }
    if (mailbox.wake_fd < 0) mailbox.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox.wake_fd < 0) {
      close(timer_fd);
      Napi::Error::New(env, "eventfd failed").ThrowAsJavaScriptException();
      return;
    }
    handles_ = new PortHandles;
    handles_->owner = this;
    handles_->env = env;
    handles_->wake_fd = mailbox.wake_fd;
    handles_->timer_fd = timer_fd;
    napi_create_reference(env, info[1], 1, &handles_->on_wake);
    napi_async_init(env, nullptr, Napi::String::New(env, "finch:SignalPort"), &handles_->context);
    uv_poll_init(loop, &handles_->signals, mailbox.wake_fd);
    uv_poll_init(loop, &handles_->timer, timer_fd);
    handles_->signals.data = handles_->timer.data = handles_;
    handles_->open_handles = 2;
    uv_poll_start(&handles_->signals, UV_READABLE, OnSignals);
    uv_poll_start(&handles_->timer, UV_READABLE, OnTimer);
    mailbox.owned = true;
    napi_add_async_cleanup_hook(env, OnEnvironmentExit, handles_, &handles_->hook);
    Ref();  // it wakes its thread until it is closed, whoever still knows it
  }

  ~SignalPort() override { CloseHandles(); }

 private:
  // Runs when the environment ends; it waits until OnHandleClosed has removed the hook.
  static void OnEnvironmentExit(napi_async_cleanup_hook_handle, void* data) {
    PortHandles* handles = static_cast<PortHandles*>(data);
    if (handles->owner != nullptr) handles->owner->CloseHandles();
  }

  void CloseHandles() {
    if (handles_ == nullptr) return;
    Mailbox& mailbox = mailboxes[thread_];
    {
      std::lock_guard<std::mutex> lock(mailbox.mutex);
      mailbox.owned = false;
      mailbox.woken = false;
      mailbox.pending.clear();
      mailbox.queue.clear();
    }
    PortHandles* handles = handles_;
    handles_ = nullptr;
    handles->owner = nullptr;
    Unref();
    napi_delete_reference(handles->env, handles->on_wake);
    napi_async_destroy(handles->env, handles->context);
    for (uv_poll_t* poll : {&handles->signals, &handles->timer}) {
      uv_poll_stop(poll);
      uv_close(reinterpret_cast<uv_handle_t*>(poll), OnHandleClosed);
    }
  }

  // drain(into: Uint32Array): number of triples
  Napi::Value Drain(const Napi::CallbackInfo& info) {
    if (handles_ == nullptr) return Napi::Number::New(info.Env(), 0);  // the mailbox may be another port's by now
    Napi::Uint32Array into = info[0].As<Napi::Uint32Array>();
    uint32_t* out = into.Data();
    size_t room = into.ElementLength() / 3;
    Mailbox& mailbox = mailboxes[thread_];
    std::lock_guard<std::mutex> lock(mailbox.mutex);
    size_t count = mailbox.queue.size() < room ? mailbox.queue.size() : room;
    for (size_t i = 0; i < count; i++) {
      uint32_t slot = mailbox.queue[i];
      Pending& pending = mailbox.pending[slot];
      *out++ = slot;
      *out++ = pending.generation;
      *out++ = pending.events;
      pending.events = 0;
    }
    mailbox.queue.erase(mailbox.queue.begin(), mailbox.queue.begin() + count);
    if (mailbox.queue.empty()) mailbox.woken = false;
    return Napi::Number::New(info.Env(), count);
  }

  // wakeAt(deadlineUs: number): Infinity disarms
  void WakeAt(const Napi::CallbackInfo& info) {
    if (handles_ == nullptr) return;
    double deadline_us = info[0].As<Napi::Number>().DoubleValue();
    // A turn between two deadlines, of a request for one, leaves the next deadline where it is.
    if (deadline_us == handles_->armed_us) return;
    handles_->armed_us = deadline_us;
    itimerspec when = {};
    if (deadline_us < kUnarmed) {
      int64_t us = deadline_us < 1 ? 1 : static_cast<int64_t>(deadline_us);  // all zero would disarm
      when.it_value.tv_sec = us / 1000000;
      when.it_value.tv_nsec = (us % 1000000) * 1000;
    }
    timerfd_settime(handles_->timer_fd, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void Close(const Napi::CallbackInfo& info) { CloseHandles(); }

  uint32_t thread_ = 0;
  PortHandles* handles_ = nullptr;
};

}  // namespace

void InitSignalPort(Napi::Env env, Napi::Object exports) { exports.Set("SignalPort", SignalPort::Define(env)); }

}  // namespace finch
