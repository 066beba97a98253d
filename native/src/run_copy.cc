#include "run_copy.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

namespace finch {

ssize_t RunCopy::Copy(Row* row, const Plan& plan, uint8_t* into, size_t room_bytes) {
  gather_.Clear();
  uint32_t count = 0;
  size_t total = 0;
  for (; count < std::min(row->packets, kMaxStreamPackets); count++) {
    Packet packet = plan.PacketAt(row->first_packet + count);
    size_t bytes = kInterleavedHeaderBytes + kRtpHeaderBytes + packet.prefix_bytes + packet.slice_bytes;
    if (total + bytes > room_bytes) break;
    total += gather_.Add(packet, *row, count, true);
  }
  if (count == 0 && row->packets > 0) return -ENOBUFS;
  if (!CopyVectors(*plan.file, into)) return -EFAULT;
  memory_->CountSent(count, total);
  row->MoveOn(count);
  return static_cast<ssize_t>(total);
}

// Copies what has been gathered to `to`. Slices that lie side by side in the file, as fragments of one frame do, are
// read by one call. False when it ends before them.
bool RunCopy::CopyVectors(const MappedFile& file, uint8_t* to) {
  iovec slices[kMaxStreamPackets];
  int used = 0;
  off_t begin = 0, end = 0;
  for (const iovec* vector = gather_.vectors; vector < gather_.vectors + gather_.used; to += (vector++)->iov_len) {
    const uint8_t* from = static_cast<const uint8_t*>(vector->iov_base);
    if (from < file.bytes || from >= file.bytes + file.size_bytes) {
      memcpy(to, from, vector->iov_len);
      continue;
    }
    off_t offset = from - file.bytes;
    if (used > 0 && offset != end) {
      if (!ReadSlices(file.fd, slices, used, begin)) return false;
      used = 0;
    }
    if (used == 0) begin = end = offset;
    slices[used++] = {to, vector->iov_len};
    end += static_cast<off_t>(vector->iov_len);
  }
  return used == 0 || ReadSlices(file.fd, slices, used, begin);
}

// Fills the slices from `offset` on; false at the end of the file, and when it can't be read.
bool RunCopy::ReadSlices(int fd, iovec* slices, int count, off_t offset) {
  while (count > 0) {
    memory_->CountSystemCall();
    ssize_t got = preadv(fd, slices, count, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += got;
    for (; count > 0 && static_cast<size_t>(got) >= slices->iov_len; slices++, count--) got -= slices->iov_len;
    if (count == 0) break;
    slices->iov_base = static_cast<uint8_t*>(slices->iov_base) + got;
    slices->iov_len -= got;
  }
  return true;
}

}  // namespace finch
