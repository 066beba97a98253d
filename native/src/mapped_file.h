// Files mapped for sending: opened and owned by a blocking thread, read only by the kernel.
//
// Nothing in this process ever loads from the mapping: sendmsg and writev copy out of it, so a file that is truncated
// while it plays gives EFAULT from the call and never a SIGBUS. TypeScript reads headers with positioned reads.
// A mapping lives as long as its owner keeps it open or a packet plan over it is registered with a packet batch.

#ifndef FINCH_MAPPED_FILE_H_
#define FINCH_MAPPED_FILE_H_

#include <napi.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace finch {

struct MappedFile {
  const uint8_t* bytes;
  size_t size_bytes;
  int fd;
  std::atomic<int> holders;
};

// Takes a hold on the file with this id; null when it is closed. Any thread.
MappedFile* HoldMappedFile(uint32_t id);

// Gives a hold back; the last one unmaps and closes.
void ReleaseMappedFile(MappedFile* file);

// Registers fileOpen, fileClose, fileCount.
void InitMappedFile(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_MAPPED_FILE_H_
