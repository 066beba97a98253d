// Rows over TCP: runs of packets interleaved with other bytes of a stream, as they follow each other, in one writev.
// Filled by the packet batch during a flush.
// Rule: the bytes of a stream leave in the order of its rows. A stream that was full or broken once gets no later row
// in that flush; each row that is not taken whole is moved on to what is left of it.

#ifndef FINCH_STREAM_WRITES_H_
#define FINCH_STREAM_WRITES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "batch_memory.h"
#include "packet_gather.h"
#include "packet_plans.h"

namespace finch {

class StreamWrites {
 public:
  explicit StreamWrites(BatchMemory* memory) : memory_(memory) {}

  // Gathers the row's packets, which are there, behind what is gathered for the same stream.
  void AddRun(uint32_t index, const Plan& plan);
  void AddRaw(uint32_t index);

  // Writes what has been gathered, if anything. False when the stream did not take all of it: the rows are reported.
  bool Write() { return part_count_ == 0 || WriteGathered(); }

  // After the last row of a flush: writes, and forgets which streams were full.
  void EndFlush();

 private:
  // What is gathered of one row.
  struct Part {
    uint32_t row;
    uint32_t first_vector;
    uint32_t first;     // of its packets, in lengths_
    uint32_t packets;   // 0: raw bytes
    size_t sent_bytes;  // in flushes before this one
    size_t bytes;       // behind these
  };
  struct WholePackets {
    uint32_t packets;
    size_t bytes;
  };

  bool MakeRoom(uint32_t index, uint32_t packets);
  bool IsFull(uint32_t fd) const { return fd < full_.size() && full_[fd]; }
  void MarkFull();
  void AddPackets(uint32_t index, const Plan& plan, uint32_t count);
  bool WriteGathered();
  bool WriteParts(uint32_t from, uint32_t to);
  bool WriteSingly(uint32_t from, uint32_t to);
  ssize_t Send(uint32_t from, uint32_t to);
  void Account(uint32_t from, uint32_t to, size_t taken);
  WholePackets WholePacketsOf(const Part& part, size_t share) const;
  void Break(uint32_t from, uint32_t to, int code);

  BatchMemory* const memory_;
  uint32_t fd_ = 0;
  PacketGather<kMaxStreamPackets> gather_;
  uint32_t lengths_[kMaxStreamPackets];  // of the packets gathered
  Part parts_[kMaxStreamPackets];
  uint32_t part_count_ = 0;
  std::vector<bool> full_;  // by descriptor
  std::vector<uint32_t> full_fds_;
};

}  // namespace finch

#endif  // FINCH_STREAM_WRITES_H_
