#include "packet_batch.h"

#include <errno.h>

#include <algorithm>

#include "batch_memory.h"
#include "packet_plans.h"
#include "packet_row.h"
#include "run_copy.h"
#include "stream_writes.h"
#include "udp_messages.h"

namespace finch {

namespace {

constexpr uint32_t kMaxDescriptor = INT32_MAX;
constexpr uint32_t kRowsAhead = 8;  // rows are prefetched so far before they are added

// `rows` is a Uint32Array, `exceptions` an Int32Array with a pair of words for each row.
BatchMemory MemoryOf(const Napi::CallbackInfo& info) {
  Napi::Uint32Array rows = info[0].As<Napi::Uint32Array>();
  Napi::Uint8Array arena = info[1].As<Napi::Uint8Array>();
  Napi::Int32Array exceptions = info[2].As<Napi::Int32Array>();
  size_t max_rows = std::min(rows.ElementLength() / kRowWords, exceptions.ElementLength() / 2);
  return {reinterpret_cast<Row*>(rows.Data()),
          static_cast<uint32_t>(max_rows),
          arena.Data(),
          static_cast<uint32_t>(arena.ByteLength()),
          exceptions.Data(),
          info[3].As<Napi::Float64Array>().Data()};
}

class PacketBatch : public Napi::ObjectWrap<PacketBatch> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "PacketBatch",
        {InstanceMethod<&PacketBatch::AddPlan>("addPlan"), InstanceMethod<&PacketBatch::RemovePlan>("removePlan"),
         InstanceMethod<&PacketBatch::Flush>("flush"), InstanceMethod<&PacketBatch::CopyRun>("copyRun"),
         InstanceMethod<&PacketBatch::Close>("close")});
  }

  // new PacketBatch(rows: Uint32Array, arena: Uint8Array, exceptions: Int32Array, counters: Float64Array)
  explicit PacketBatch(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PacketBatch>(info),
        memory_(MemoryOf(info)),
        udp_(&memory_),
        streams_(&memory_),
        copy_(&memory_) {
    for (size_t i = 0; i < 4; i++) buffers_[i] = Napi::Persistent(info[i].As<Napi::Object>());
  }

  ~PacketBatch() override { plans_.RemoveAll(Env()); }

 private:
  // addPlan(view: Uint32Array over the whole plan, file id): handle, or -EINVAL (a damaged plan), -EBADF (no such file)
  Napi::Value AddPlan(const Napi::CallbackInfo& info) {
    uint32_t file_id = info[1].As<Napi::Number>().Uint32Value();
    return Napi::Number::New(info.Env(), plans_.Add(info[0].As<Napi::Uint32Array>(), file_id));
  }

  // removePlan(handle): only between flushes
  void RemovePlan(const Napi::CallbackInfo& info) {
    plans_.Remove(info.Env(), info[0].As<Napi::Number>().Uint32Value());
  }

  void Close(const Napi::CallbackInfo& info) { plans_.RemoveAll(info.Env()); }

  // flush(rows): number of exceptions
  Napi::Value Flush(const Napi::CallbackInfo& info) {
    uint32_t row_count = std::min(info[0].As<Napi::Number>().Uint32Value(), memory_.max_rows);
    memory_.exception_count = 0;
    for (uint32_t index = 0; index < std::min(row_count, kRowsAhead); index++) Prefetch(index);
    for (uint32_t index = 0; index < row_count; index++) {
      if (row_count - index > kRowsAhead) Prefetch(index + kRowsAhead);
      Add(index);
    }
    streams_.EndFlush();
    udp_.EndFlush();
    return Napi::Number::New(info.Env(), memory_.exception_count);
  }

  // Each viewer's packets are described somewhere else: asked for some rows ahead, they are there when their turn
  // comes.
  void Prefetch(uint32_t index) {
    const Row& row = memory_.rows[index];
    if (row.Operation() != kUdpRun && row.Operation() != kInterleavedRun) return;
    if (const Plan* plan = plans_.Find(row)) plan->Prefetch(row.first_packet, row.packets);
  }

  void Add(uint32_t index) {
    const Row& row = memory_.rows[index];
    if (row.fd > kMaxDescriptor) return memory_.Report(index, -EBADF);
    switch (row.Operation()) {
      case kUdpRun:
        streams_.Write();  // an answer over TCP goes before the packets that it speaks of
        if (const Plan* plan = PlanOf(index)) udp_.AddRun(index, *plan);
        break;
      case kInterleavedRun:
        if (const Plan* plan = PlanOf(index)) streams_.AddRun(index, *plan);
        break;
      case kUdpRaw:
        streams_.Write();
        udp_.AddRaw(index);
        break;
      case kTcpRaw:
        streams_.AddRaw(index);
        break;
      default:
        memory_.Report(index, -EINVAL);
    }
  }

  const Plan* PlanOf(uint32_t index) {
    const Plan* plan = plans_.Find(memory_.rows[index]);
    if (plan == nullptr) memory_.Report(index, -EINVAL);
    return plan;
  }

  // copyRun(row: Uint32Array, an interleaved run; into: Uint8Array): bytes of its frames, for streams that are not
  // written here. Takes as many whole packets as `into` has room for and moves the row on past them. -EINVAL: no such
  // packets, -ENOBUFS: no room for one, -EFAULT: the file is shorter than it was.
  Napi::Value CopyRun(const Napi::CallbackInfo& info) {
    Napi::Uint32Array words = info[0].As<Napi::Uint32Array>();
    Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
    Row* row = reinterpret_cast<Row*>(words.Data());
    const Plan* plan = words.ElementLength() < kRowWords ? nullptr : plans_.Find(*row);
    if (plan == nullptr) return Napi::Number::New(info.Env(), -EINVAL);
    ssize_t bytes = copy_.Copy(row, *plan, into.Data(), into.ByteLength());
    return Napi::Number::New(info.Env(), static_cast<double>(bytes));
  }

  BatchMemory memory_;
  Napi::ObjectReference buffers_[4];  // keep the memory alive
  PacketPlans plans_;
  UdpMessages udp_;
  StreamWrites streams_;
  RunCopy copy_;
};

}  // namespace

void InitPacketBatch(Napi::Env env, Napi::Object exports) { exports.Set("PacketBatch", PacketBatch::Define(env)); }

}  // namespace finch
