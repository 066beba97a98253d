#include "signal_port.h"

#include <errno.h>
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

// The part of a port that producers reach. It is never freed; `async` is null while no JavaScript thread owns it.
struct Mailbox {
  std::mutex mutex;
  uv_async_t* async = nullptr;
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
  std::lock_guard<std::mutex> lock(mailbox.mutex);
  if (mailbox.async == nullptr) return -ESRCH;
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
  if (!mailbox.woken) {
    mailbox.woken = true;
    uv_async_send(mailbox.async);
  }
  return 0;
}

namespace {

class SignalPort;

// The libuv handles of a port. They outlive the JavaScript object until libuv has closed both.
struct PortHandles {
  SignalPort* owner = nullptr;  // null once the handles are closing
  uv_async_t async;
  uv_poll_t poll;
  int timer_fd = -1;
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

void OnAsync(uv_async_t* async) { Wake(static_cast<PortHandles*>(async->data)); }

void OnTimer(uv_poll_t* poll, int, int) {
  PortHandles* handles = static_cast<PortHandles*>(poll->data);
  uint64_t expirations;
  if (read(handles->timer_fd, &expirations, sizeof expirations) < 0) return;  // already re-armed
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
    if (mailbox.async != nullptr) {
      close(timer_fd);
      Napi::Error::New(env, "thread index is in use").ThrowAsJavaScriptException();
      return;
    }
    handles_ = new PortHandles;
    handles_->owner = this;
    handles_->env = env;
    handles_->timer_fd = timer_fd;
    napi_create_reference(env, info[1], 1, &handles_->on_wake);
    napi_async_init(env, nullptr, Napi::String::New(env, "finch:SignalPort"), &handles_->context);
    uv_async_init(loop, &handles_->async, OnAsync);
    uv_poll_init(loop, &handles_->poll, timer_fd);
    handles_->async.data = handles_->poll.data = handles_;
    handles_->open_handles = 2;
    uv_poll_start(&handles_->poll, UV_READABLE, OnTimer);
    mailbox.async = &handles_->async;
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
      mailbox.async = nullptr;
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
    uv_poll_stop(&handles->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&handles->async), OnHandleClosed);
    uv_close(reinterpret_cast<uv_handle_t*>(&handles->poll), OnHandleClosed);
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
    if (deadline_us == armed_us_ && deadline_us > 9e15) return;
    armed_us_ = deadline_us;
    itimerspec when = {};
    if (deadline_us < 9e15) {
      int64_t us = deadline_us < 1 ? 1 : static_cast<int64_t>(deadline_us);  // all zero would disarm
      when.it_value.tv_sec = us / 1000000;
      when.it_value.tv_nsec = (us % 1000000) * 1000;
    }
    timerfd_settime(handles_->timer_fd, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void Close(const Napi::CallbackInfo& info) { CloseHandles(); }

  uint32_t thread_ = 0;
  double armed_us_ = 0;
  PortHandles* handles_ = nullptr;
};

}  // namespace

void InitSignalPort(Napi::Env env, Napi::Object exports) { exports.Set("SignalPort", SignalPort::Define(env)); }

}  // namespace finch
