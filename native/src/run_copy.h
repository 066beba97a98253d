// Copies the frames of an interleaved run into memory, for streams that the batch does not write itself (TLS).
// Called between flushes. Rule: nothing here loads from the mapping (mapped_file.h), slices are read out of the file.

#ifndef FINCH_RUN_COPY_H_
#define FINCH_RUN_COPY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "batch_memory.h"
#include "packet_gather.h"
#include "packet_plans.h"

namespace finch {

class RunCopy {
 public:
  explicit RunCopy(BatchMemory* memory) : memory_(memory) {}

  // Copies as many whole packets as there is room for and moves the row, whose packets are there, on past them.
  // Their bytes, or -ENOBUFS: no room for one, -EFAULT: the file is shorter than it was.
  ssize_t Copy(Row* row, const Plan& plan, uint8_t* into, size_t room_bytes);

 private:
  bool CopyVectors(const MappedFile& file, uint8_t* to);
  bool ReadSlices(int fd, iovec* slices, int count, off_t offset);

  BatchMemory* const memory_;
  PacketGather<kMaxStreamPackets> gather_;
};

}  // namespace finch

#endif  // FINCH_RUN_COPY_H_
