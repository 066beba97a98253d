#include "stream_writes.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>

namespace finch {

void StreamWrites::AddRun(uint32_t index, const Plan& plan) {
  const Row& row = memory_->rows[index];
  if (!MakeRoom(index, row.packets)) return;
  while (row.packets > 0) {
    uint32_t count = std::min(row.packets, kMaxStreamPackets);
    AddPackets(index, plan, count);
    if (count == row.packets) return;  // leaves with what follows it
    if (!WriteGathered()) return;      // else the row has been moved on by `count`
  }
}

void StreamWrites::AddRaw(uint32_t index) {
  const Row& row = memory_->rows[index];
  if (!memory_->HasInArena(row) || row.sent_bytes > row.length_bytes) return memory_->Report(index, -EINVAL);
  if (!MakeRoom(index, 1)) return;
  uint32_t bytes = row.length_bytes - row.sent_bytes;
  gather_.AddBytes(memory_->arena + row.arena_offset + row.sent_bytes, bytes);
  parts_[part_count_++] = {index, gather_.used - 1, 0, 0, row.sent_bytes, bytes};
}

// Writes what is of another stream, or would leave no room for the row. False (and reported) when its stream is full.
bool StreamWrites::MakeRoom(uint32_t index, uint32_t packets) {
  uint32_t fd = memory_->rows[index].fd;
  if (fd != fd_ || packets > kMaxStreamPackets - gather_.packets) Write();
  fd_ = fd;
  if (!IsFull(fd)) return true;
  memory_->Report(index, -EAGAIN);
  return false;
}

void StreamWrites::AddPackets(uint32_t index, const Plan& plan, uint32_t count) {
  const Row& row = memory_->rows[index];
  uint32_t first = gather_.packets, first_vector = gather_.used;
  size_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    lengths_[first + i] = gather_.Add(plan.PacketAt(row.first_packet + i), row, i, true);
    bytes += lengths_[first + i];
  }
  size_t sent_bytes = gather_.Skip(first_vector, row.sent_bytes);
  parts_[part_count_++] = {index, first_vector, first, count, sent_bytes, bytes - sent_bytes};
}

bool StreamWrites::WriteGathered() {
  bool took_all = WriteParts(0, part_count_);
  gather_.Clear();
  part_count_ = 0;
  return took_all;
}

// Writes parts from..to-1. False when the stream did not take all of them: their rows are reported.
bool StreamWrites::WriteParts(uint32_t from, uint32_t to) {
  size_t bytes = 0;
  for (uint32_t i = from; i < to; i++) bytes += parts_[i].bytes;
  ssize_t taken = bytes == 0 ? 0 : Send(from, to);
  if (taken == -EFAULT && to - from > 1) return WriteSingly(from, to);
  if (taken < 0) {
    Break(from, to, static_cast<int>(taken));
    return false;
  }
  bool took_all = static_cast<size_t>(taken) == bytes;
  if (!took_all) MarkFull();
  Account(from, to, static_cast<size_t>(taken));
  return took_all;
}

// One of the rows names bytes that are gone, of a file that was cut: those before it leave, and it is found.
bool StreamWrites::WriteSingly(uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) {
    if (WriteParts(i, i + 1)) continue;
    while (++i < to) memory_->Report(parts_[i].row, -EAGAIN);
    return false;
  }
  return true;
}

// Bytes that the stream took (0 when it is full) or -errno.
ssize_t StreamWrites::Send(uint32_t from, uint32_t to) {
  uint32_t end = to < part_count_ ? parts_[to].first_vector : gather_.used;
  msghdr header = {};
  header.msg_iov = gather_.vectors + parts_[from].first_vector;
  header.msg_iovlen = end - parts_[from].first_vector;
  ssize_t taken;
  do {
    memory_->CountSystemCall();
    taken = sendmsg(static_cast<int>(fd_), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (taken < 0 && errno == EINTR);
  if (taken >= 0) return taken;
  return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}

// Gives each part its share of what the stream took, in order, and reports the rows that have something left.
void StreamWrites::Account(uint32_t from, uint32_t to, size_t taken) {
  WholePackets sum = {0, 0};
  for (uint32_t i = from; i < to; i++) {
    const Part& part = parts_[i];
    Row& row = memory_->rows[part.row];
    size_t share = std::min(taken, part.bytes);
    taken -= share;
    WholePackets whole = WholePacketsOf(part, share);
    if (part.packets > 0) row.MoveOn(whole.packets);
    row.sent_bytes = static_cast<uint32_t>(part.sent_bytes + share - whole.bytes);
    sum.packets += whole.packets;
    sum.bytes += whole.bytes;
    if (share < part.bytes) memory_->Report(part.row, -EAGAIN);
  }
  if (sum.packets > 0) memory_->CountSent(sum.packets, sum.bytes);
}

// What the stream has whole when it took `share` bytes of a part; of raw bytes, no packet.
StreamWrites::WholePackets StreamWrites::WholePacketsOf(const Part& part, size_t share) const {
  if (part.packets == 0) return {0, 0};
  if (share == part.bytes) return {part.packets, part.sent_bytes + part.bytes};
  size_t left = part.sent_bytes + share;
  WholePackets whole = {0, 0};
  for (const uint32_t* length = lengths_ + part.first; *length <= left; length++) {
    left -= *length;
    whole.bytes += *length;
    whole.packets++;
  }
  return whole;
}

// The first row tells why, those behind it are held back; what is no stream has nothing to keep in order.
void StreamWrites::Break(uint32_t from, uint32_t to, int code) {
  bool is_stream = code != -EBADF && code != -ENOTSOCK;
  if (is_stream) MarkFull();
  for (uint32_t i = from; i < to; i++) memory_->Report(parts_[i].row, i == from || !is_stream ? code : -EAGAIN);
}

// Holds back all rows to come.
void StreamWrites::MarkFull() {
  if (fd_ >= full_.size()) full_.resize(fd_ + 1);
  full_[fd_] = true;
  full_fds_.push_back(fd_);
}

void StreamWrites::EndFlush() {
  Write();
  for (uint32_t fd : full_fds_) full_[fd] = false;
  full_fds_.clear();
}

}  // namespace finch
