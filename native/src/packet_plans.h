// The packet plans of one batch, as protocols/rtp/src/packet-plan.ts lays them out: checked when they are added, found
// by handle for every row. Rule: a plan that is registered keeps its memory and its file, and every packet in it is
// sound, so that sending checks none. Thread: the batch's.

#ifndef FINCH_PACKET_PLANS_H_
#define FINCH_PACKET_PLANS_H_

#include <napi.h>

#include <cstdint>
#include <vector>

#include "mapped_file.h"
#include "packet_row.h"

namespace finch {

// What a packet is made of, behind its RTP header.
struct Packet {
  const uint8_t* prefix;
  uint32_t prefix_bytes;
  const uint8_t* slice;
  uint32_t slice_bytes;
  bool marker;
};

struct Plan {
  static constexpr uint32_t kPacketWords = 4;
  static constexpr uint32_t kCacheLineWords = 16;

  const uint32_t* packets = nullptr;  // kPacketWords each
  const uint8_t* bytes = nullptr;
  uint32_t packet_count = 0;
  MappedFile* file = nullptr;
  napi_ref view = nullptr;  // keeps the memory alive

  static uint64_t SliceOffset(const uint32_t* words) {
    return words[0] | static_cast<uint64_t>(words[1] & 0xffff) << 32;
  }
  static uint32_t PrefixBytes(const uint32_t* words) { return words[1] >> 16; }
  static uint32_t SliceBytes(const uint32_t* words) { return words[2] & 0xffff; }

  // Asks the memory for the description of packets, and for nothing else.
  void Prefetch(uint32_t first, uint32_t count) const {
    const uint32_t* words = packets + first * kPacketWords;
    for (uint32_t i = 0; i < count * kPacketWords; i += kCacheLineWords) __builtin_prefetch(words + i);
    if (count > 0) __builtin_prefetch(words + count * kPacketWords - 1);  // plans don't begin with a line
  }

  Packet PacketAt(uint32_t index) const {
    const uint32_t* words = packets + index * kPacketWords;
    return {bytes + words[3], PrefixBytes(words), file->bytes + SliceOffset(words), SliceBytes(words),
            (words[2] & 0x10000) != 0};
  }
};

class PacketPlans {
 public:
  PacketPlans();

  // The plan's handle, never 0; or -EINVAL (a damaged plan), -EBADF (no such file).
  int Add(Napi::Uint32Array view, uint32_t file_id);
  void Remove(Napi::Env env, uint32_t handle);
  void RemoveAll(Napi::Env env);

  // Null when the row names packets that are not there.
  const Plan* Find(const Row& row) const {
    if (row.plan >= plans_.size()) return nullptr;
    const Plan& plan = plans_[row.plan];
    return plan.file != nullptr && uint64_t{row.first_packet} + row.packets <= plan.packet_count ? &plan : nullptr;
  }

 private:
  std::vector<Plan> plans_;
  std::vector<uint32_t> free_;
};

}  // namespace finch

#endif  // FINCH_PACKET_PLANS_H_
