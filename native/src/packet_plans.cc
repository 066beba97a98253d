#include "packet_plans.h"

#include <errno.h>

#include "packet_gather.h"

namespace finch {

namespace {

constexpr uint32_t kMagic = 0x4e414c50;  // "PLAN"
constexpr uint32_t kHeaderWords = 8;
constexpr uint32_t kMaxWirePacketBytes = 65535;  // what the length of an interleaved frame holds

// Checks every packet once, so that sending need not: prefixes inside the plan, slices inside the mapping.
bool Describe(const uint32_t* words, size_t word_count, Plan* plan) {
  if (word_count < kHeaderWords || words[0] != kMagic) return false;
  uint64_t size_bytes = word_count * 4;
  uint64_t packets_at = words[4], bytes_at = words[5], bytes = words[6];
  plan->packet_count = words[2];
  if (packets_at % 4 != 0) return false;
  if (packets_at + uint64_t{plan->packet_count} * Plan::kPacketWords * 4 > size_bytes) return false;
  if (bytes_at + bytes > size_bytes) return false;
  plan->packets = words + packets_at / 4;
  plan->bytes = reinterpret_cast<const uint8_t*>(words) + bytes_at;
  for (uint32_t i = 0; i < plan->packet_count; i++) {
    const uint32_t* packet = plan->packets + i * Plan::kPacketWords;
    if (uint64_t{packet[3]} + Plan::PrefixBytes(packet) > bytes) return false;
    if (Plan::SliceOffset(packet) + Plan::SliceBytes(packet) > plan->file->size_bytes) return false;
    if (kRtpHeaderBytes + Plan::PrefixBytes(packet) + Plan::SliceBytes(packet) > kMaxWirePacketBytes) return false;
  }
  return true;
}

void Release(Napi::Env env, Plan* plan) {
  if (plan->file == nullptr) return;
  ReleaseMappedFile(plan->file);
  napi_delete_reference(env, plan->view);
  *plan = Plan{};
}

}  // namespace

PacketPlans::PacketPlans() {
  plans_.emplace_back();  // handle 0 is none
}

int PacketPlans::Add(Napi::Uint32Array view, uint32_t file_id) {
  Plan plan;
  plan.file = HoldMappedFile(file_id);
  if (plan.file == nullptr) return -EBADF;
  if (!Describe(view.Data(), view.ElementLength(), &plan)) {
    ReleaseMappedFile(plan.file);
    return -EINVAL;
  }
  napi_create_reference(view.Env(), view, 1, &plan.view);
  if (free_.empty()) {
    plans_.push_back(plan);
    return static_cast<int>(plans_.size() - 1);
  }
  uint32_t handle = free_.back();
  free_.pop_back();
  plans_[handle] = plan;
  return static_cast<int>(handle);
}

void PacketPlans::Remove(Napi::Env env, uint32_t handle) {
  if (handle == 0 || handle >= plans_.size() || plans_[handle].file == nullptr) return;
  Release(env, &plans_[handle]);
  free_.push_back(handle);
}

void PacketPlans::RemoveAll(Napi::Env env) {
  for (Plan& plan : plans_) Release(env, &plan);
  plans_.resize(1);
  free_.clear();
}

}  // namespace finch
