// Task references and thread numbers, as every file here reads them.
//
//   51     46 45                22 21              0
//  +---------+--------------------+-----------------+
//  | thread  |     generation     |      slot       |
//  +---------+--------------------+-----------------+
//
// JavaScript carries a reference as a number (it is below 2^53); core/src/reactor/task-ref.ts is the other face.

#ifndef FINCH_THREAD_INDEX_H_
#define FINCH_THREAD_INDEX_H_

#include <cstdint>

namespace finch {

constexpr uint32_t kMaxThreads = 64;
constexpr uint32_t kSlotBits = 22;
constexpr uint32_t kGenerationBits = 24;

struct TaskRef {
  uint64_t value;

  uint32_t thread() const { return static_cast<uint32_t>(value >> (kSlotBits + kGenerationBits)) & (kMaxThreads - 1); }
  uint32_t generation() const { return static_cast<uint32_t>(value >> kSlotBits) & ((1u << kGenerationBits) - 1); }
  uint32_t slot() const { return static_cast<uint32_t>(value) & ((1u << kSlotBits) - 1); }
};

// Event bits of a task, core/src/reactor/events.ts.
constexpr uint32_t kIdleEvent = 0x02;
constexpr uint32_t kReadEvent = 0x10;
constexpr uint32_t kWriteEvent = 0x20;
constexpr uint32_t kUpdateEvent = 0x40;

}  // namespace finch

#endif  // FINCH_THREAD_INDEX_H_
