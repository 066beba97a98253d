// The memory that a packet batch shares with JavaScript: rows and the arena in, exceptions and counters out.
//
// Used by what sends rows and copies runs. Rule: rows that could not be sent whole are reported as pairs (row, code),
// each once in a flush. -EAGAIN: the row has been moved on to what is left of it, send it again later. -EMSGSIZE: sent,
// but without segmentation; ask for none from now on. Any other code: the row is lost.

#ifndef FINCH_BATCH_MEMORY_H_
#define FINCH_BATCH_MEMORY_H_

#include <cstdint>

#include "packet_row.h"

namespace finch {

struct BatchMemory {
  Row* rows;
  uint32_t max_rows;
  uint8_t* arena;
  uint32_t arena_bytes;
  int32_t* exceptions;
  double* counters;
  uint32_t exception_count = 0;

  // Where `counters` has what: the names of BatchCounter in core/src/net/packet-batch.ts.
  enum Counter : uint32_t { kPackets, kBytes, kMessages, kSystemCalls };

  bool HasInArena(const Row& row) const { return uint64_t{row.arena_offset} + row.length_bytes <= arena_bytes; }

  void Report(uint32_t index, int code) {
    if (exception_count > 0 && exceptions[exception_count * 2 - 2] == static_cast<int32_t>(index)) {
      // A row fails once; what comes after segmentation was refused is worse news.
      exceptions[exception_count * 2 - 1] = code;
      return;
    }
    exceptions[exception_count * 2] = static_cast<int32_t>(index);
    exceptions[exception_count * 2 + 1] = code;
    exception_count++;
  }

  // A message, or a part of a stream, has left.
  void CountSent(uint32_t packets, uint64_t bytes) {
    counters[kPackets] += packets;
    counters[kBytes] += static_cast<double>(bytes);
    counters[kMessages]++;
  }

  void CountSystemCall() { counters[kSystemCalls]++; }
};

}  // namespace finch

#endif  // FINCH_BATCH_MEMORY_H_
