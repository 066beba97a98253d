#include "packet_batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "mapped_file.h"
#include "sockets.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace finch {

namespace {

constexpr uint32_t kRowWords = 16;
constexpr uint32_t kAddressWord = 10;
enum Op : uint32_t { kUdpRun = 1, kInterleavedRun = 2, kUdpRaw = 3, kTcpRaw = 4 };
constexpr uint32_t kFlagNoSegmentation = 1;
constexpr uint32_t kFlagRetransmission = 2;
constexpr uint32_t kMaxDescriptor = INT32_MAX;

constexpr uint32_t kRtpHeaderBytes = 12;
constexpr uint32_t kInterleavedHeaderBytes = 4;
// A prefix up to this size is copied behind its header: cheaper than another iovec. Larger ones are pointed at.
constexpr uint32_t kMaxCopiedPrefixBytes = 64;
constexpr uint32_t kOriginalSequenceBytes = 2;  // RFC 4588 §4, behind the header of a retransmission
constexpr uint32_t kHeaderSlotBytes = kInterleavedHeaderBytes + kRtpHeaderBytes + kMaxCopiedPrefixBytes;
static_assert(kOriginalSequenceBytes <= kInterleavedHeaderBytes);  // a packet has the one or the other
constexpr uint32_t kMaxPackets = 1024;                             // in one row, and gathered for one sendmmsg
constexpr uint32_t kMaxWirePacketBytes = 65535;                    // what the length of an interleaved frame holds
constexpr uint32_t kMaxSegments = 64;                              // UDP_MAX_SEGMENTS of older kernels
constexpr uint32_t kMaxRunBytes = 65507;                           // an IPv4 datagram's payload; IPv6 allows 20 more
constexpr uint32_t kMaxInterleavedPackets = 340;                   // of three vectors each: below UIO_MAXIOV (1024)

// Where flush() counts, in the Float64Array given to the constructor.
enum Counter : uint32_t { kPackets, kBytes, kMessages, kSystemCalls };

// A packet plan as protocols/rtp/src/packet-plan.ts lays it out, registered with one batch.
struct Plan {
  const uint32_t* packets = nullptr;  // four words each
  const uint8_t* bytes = nullptr;
  uint32_t packet_count = 0;
  MappedFile* file = nullptr;
  napi_ref view = nullptr;  // keeps the memory alive
};

struct Packet {
  const uint8_t* prefix;
  uint32_t prefix_bytes;
  const uint8_t* slice;
  uint32_t slice_bytes;
  bool marker;
};

constexpr uint32_t kPlanMagic = 0x4e414c50;  // "PLAN"
constexpr uint32_t kPlanHeaderWords = 8;
constexpr uint32_t kPacketWords = 4;

bool IsRetransmission(const uint32_t* row) { return ((row[0] >> 8) & kFlagRetransmission) != 0; }
uint64_t SliceOffset(const uint32_t* words) { return words[0] | static_cast<uint64_t>(words[1] & 0xffff) << 32; }
uint32_t PrefixBytes(const uint32_t* words) { return words[1] >> 16; }
uint32_t SliceBytes(const uint32_t* words) { return words[2] & 0xffff; }

void PutU16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void PutU32(uint8_t* at, uint32_t value) {
  PutU16(at, value >> 16);
  PutU16(at + 2, value);
}

// RFC 3550 §5.1: V=2, no padding, no extension, no CSRC.
void PutRtpHeader(uint8_t* at, const uint32_t* row, uint32_t index, bool marker) {
  at[0] = 0x80;
  at[1] = static_cast<uint8_t>((marker ? 0x80 : 0) | ((row[6] >> 16) & 0x7f));
  PutU16(at + 2, (row[6] + index) & 0xffff);
  PutU32(at + 4, row[7]);
  PutU32(at + 8, row[5]);
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
  explicit PacketBatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PacketBatch>(info) {
    rows_ = info[0].As<Napi::Uint32Array>().Data();
    arena_ = info[1].As<Napi::Uint8Array>().Data();
    arena_bytes_ = static_cast<uint32_t>(info[1].As<Napi::Uint8Array>().ByteLength());
    exceptions_ = info[2].As<Napi::Int32Array>().Data();
    max_rows_ = static_cast<uint32_t>(std::min(info[0].As<Napi::Uint32Array>().ElementLength() / kRowWords,
                                               info[2].As<Napi::Int32Array>().ElementLength() / 2));
    counters_ = info[3].As<Napi::Float64Array>().Data();
    for (size_t i = 0; i < 4; i++) buffers_[i] = Napi::Persistent(info[i].As<Napi::Object>());
    plans_.emplace_back();  // handle 0 is none
  }

  ~PacketBatch() override { ReleasePlans(); }

 private:
  // addPlan(view: Uint32Array over the whole plan, file id): handle, or -EINVAL (a damaged plan), -EBADF (no such file)
  Napi::Value AddPlan(const Napi::CallbackInfo& info) {
    Napi::Uint32Array view = info[0].As<Napi::Uint32Array>();
    Plan plan;
    plan.file = HoldMappedFile(info[1].As<Napi::Number>().Uint32Value());
    if (plan.file == nullptr) return Napi::Number::New(info.Env(), -EBADF);
    if (!Describe(view.Data(), view.ElementLength(), &plan)) {
      ReleaseMappedFile(plan.file);
      return Napi::Number::New(info.Env(), -EINVAL);
    }
    napi_create_reference(info.Env(), view, 1, &plan.view);
    uint32_t handle;
    if (free_plans_.empty()) {
      handle = static_cast<uint32_t>(plans_.size());
      plans_.push_back(plan);
    } else {
      handle = free_plans_.back();
      free_plans_.pop_back();
      plans_[handle] = plan;
    }
    return Napi::Number::New(info.Env(), handle);
  }

  // Checks every packet once, so that sending need not: prefixes inside the plan, slices inside the mapping.
  static bool Describe(const uint32_t* words, size_t word_count, Plan* plan) {
    if (word_count < kPlanHeaderWords || words[0] != kPlanMagic) return false;
    uint64_t size_bytes = word_count * 4;
    uint64_t packets_at = words[4], bytes_at = words[5], bytes = words[6];
    plan->packet_count = words[2];
    if (packets_at % 4 != 0 || packets_at + uint64_t{plan->packet_count} * kPacketWords * 4 > size_bytes) return false;
    if (bytes_at + bytes > size_bytes) return false;
    plan->packets = words + packets_at / 4;
    plan->bytes = reinterpret_cast<const uint8_t*>(words) + bytes_at;
    for (uint32_t i = 0; i < plan->packet_count; i++) {
      const uint32_t* packet = plan->packets + i * kPacketWords;
      if (uint64_t{packet[3]} + PrefixBytes(packet) > bytes) return false;
      if (SliceOffset(packet) + SliceBytes(packet) > plan->file->size_bytes) return false;
      if (kRtpHeaderBytes + PrefixBytes(packet) + SliceBytes(packet) > kMaxWirePacketBytes) return false;
    }
    return true;
  }

  // removePlan(handle): only between flushes
  void RemovePlan(const Napi::CallbackInfo& info) {
    uint32_t handle = info[0].As<Napi::Number>().Uint32Value();
    if (handle == 0 || handle >= plans_.size() || plans_[handle].file == nullptr) return;
    Release(plans_[handle]);
    free_plans_.push_back(handle);
  }

  void Close(const Napi::CallbackInfo& info) { ReleasePlans(); }

  void Release(Plan& plan) {
    if (plan.file == nullptr) return;
    ReleaseMappedFile(plan.file);
    napi_delete_reference(Env(), plan.view);
    plan = Plan{};
  }

  void ReleasePlans() {
    for (Plan& plan : plans_) Release(plan);
    plans_.resize(1);
    free_plans_.clear();
  }

  // flush(rows): number of exceptions
  Napi::Value Flush(const Napi::CallbackInfo& info) {
    uint32_t row_count = std::min(info[0].As<Napi::Number>().Uint32Value(), max_rows_);
    exception_count_ = 0;
    blocked_fd_ = -1;
    for (uint32_t row = 0; row < row_count; row++) {
      if (Row(row)[1] > kMaxDescriptor) {
        Report(row, -EBADF);
        continue;
      }
      switch (Row(row)[0] & 0xff) {
        case kUdpRun:
          AddUdpRun(row);
          break;
        case kInterleavedRun:
          SendInterleavedRun(row);
          break;
        case kUdpRaw:
          AddUdpRaw(row);
          break;
        case kTcpRaw:
          SendTcpRaw(row);
          break;
        default:
          Report(row, -EINVAL);
      }
    }
    SendMessages();
    for (uint32_t fd : full_fds_) full_[fd] = false;
    full_fds_.clear();
    return Napi::Number::New(info.Env(), exception_count_);
  }

  uint32_t* Row(uint32_t row) { return rows_ + row * kRowWords; }

  void Report(uint32_t row, int code) {
    if (exception_count_ > 0 && exceptions_[exception_count_ * 2 - 2] == static_cast<int32_t>(row)) {
      // A row fails once; what comes after segmentation was refused is worse news.
      exceptions_[exception_count_ * 2 - 1] = code;
      return;
    }
    exceptions_[exception_count_ * 2] = static_cast<int32_t>(row);
    exceptions_[exception_count_ * 2 + 1] = code;
    exception_count_++;
  }

  // Null when the row names packets that are not there.
  const Plan* FindPlan(const uint32_t* words) {
    if (words[2] >= plans_.size()) return nullptr;
    const Plan& plan = plans_[words[2]];
    return plan.file != nullptr && uint64_t{words[3]} + words[4] <= plan.packet_count ? &plan : nullptr;
  }

  const Plan* PlanOf(uint32_t row) {
    const Plan* plan = FindPlan(Row(row));
    if (plan == nullptr) Report(row, -EINVAL);
    return plan;
  }

  static Packet PacketOf(const Plan& plan, uint32_t index) {
    const uint32_t* words = plan.packets + index * kPacketWords;
    return {plan.bytes + words[3], PrefixBytes(words), plan.file->bytes + SliceOffset(words), SliceBytes(words),
            (words[2] & 0x10000) != 0};
  }

  // Headers and vectors of the packets that one system call sends.
  template <uint32_t kCapacity>
  struct Gather {
    uint8_t headers[kCapacity * kHeaderSlotBytes];
    iovec vectors[kCapacity * 3];
    uint32_t packets = 0;
    uint32_t used = 0;  // vectors

    void Clear() { packets = used = 0; }

    // Adds [interleaved header] RTP header, prefix and slice; returns their bytes.
    uint32_t Add(const Packet& packet, const uint32_t* row, uint32_t index, bool interleaved) {
      uint8_t* header = headers + packets++ * kHeaderSlotBytes;
      uint32_t length = 0;
      uint32_t rtp_bytes = kRtpHeaderBytes + packet.prefix_bytes + packet.slice_bytes;
      if (interleaved) {  // RFC 2326 §10.12
        header[0] = '$';
        header[1] = static_cast<uint8_t>(row[8]);
        PutU16(header + 2, rtp_bytes);
        length = kInterleavedHeaderBytes;
      }
      uint32_t wire_bytes = length + rtp_bytes;
      PutRtpHeader(header + length, row, index, packet.marker);
      length += kRtpHeaderBytes;
      if (!interleaved && IsRetransmission(row)) {
        PutU16(header + length, (row[8] + index) & 0xffff);
        length += kOriginalSequenceBytes;
        wire_bytes += kOriginalSequenceBytes;
      }
      bool copied = packet.prefix_bytes <= kMaxCopiedPrefixBytes;
      if (copied) {
        memcpy(header + length, packet.prefix, packet.prefix_bytes);
        length += packet.prefix_bytes;
      }
      vectors[used++] = {header, length};
      if (!copied) vectors[used++] = {const_cast<uint8_t*>(packet.prefix), packet.prefix_bytes};
      if (packet.slice_bytes > 0) vectors[used++] = {const_cast<uint8_t*>(packet.slice), packet.slice_bytes};
      return wire_bytes;
    }
  };

  // --- UDP -----------------------------------------------------------------------------------------------------------

  // One datagram, or a run of equal ones that the kernel cuts (the last may be shorter).
  struct Message {
    uint32_t row;
    uint32_t packets;
    uint32_t segment_bytes;
    uint32_t bytes;
    uint32_t first_vector;
    bool open;  // takes another segment
  };

  // A row is always gathered whole, so what is unsent of it can be told from its messages alone.
  void AddUdpRun(uint32_t row) {
    const uint32_t* words = Row(row);
    const Plan* plan = PlanOf(row);
    if (plan == nullptr || !MakeRoom(row, words[4])) return;
    bool segment = !((words[0] >> 8) & kFlagNoSegmentation);
    uint32_t header_bytes = kRtpHeaderBytes + (IsRetransmission(words) ? kOriginalSequenceBytes : 0);
    Message* last = nullptr;
    for (uint32_t i = 0; i < words[4]; i++) {
      Packet packet = PacketOf(*plan, words[3] + i);
      uint32_t bytes = header_bytes + packet.prefix_bytes + packet.slice_bytes;
      bool joins = segment && last != nullptr && last->open && bytes <= last->segment_bytes &&
                   last->packets < kMaxSegments && last->bytes + bytes <= kMaxRunBytes;
      if (!joins) last = OpenMessage(row, bytes);
      udp_.Add(packet, words, i, false);
      last->packets++;
      last->bytes += bytes;
      last->open = bytes == last->segment_bytes;
    }
  }

  void AddUdpRaw(uint32_t row) {
    const uint32_t* words = Row(row);
    if (uint64_t{words[2]} + words[3] > arena_bytes_) return Report(row, -EINVAL);
    if (!MakeRoom(row, 1)) return;
    Message* message = OpenMessage(row, words[3]);
    udp_.vectors[udp_.used++] = {arena_ + words[2], words[3]};
    udp_.packets++;
    message->packets = 1;
    message->bytes = words[3];
    message->open = false;
  }

  // False (and reported) when the row's socket is full or the row is too long for one gathering.
  bool MakeRoom(uint32_t row, uint32_t packets) {
    int fd = static_cast<int>(Row(row)[1]);
    if (message_count_ > 0 && (fd != message_fd_ || udp_.packets + packets > kMaxPackets)) SendMessages();
    message_fd_ = fd;
    if (packets > kMaxPackets)
      Report(row, -EINVAL);
    else if (fd == blocked_fd_)
      Report(row, -EAGAIN);
    else
      return true;
    return false;
  }

  Message* OpenMessage(uint32_t row, uint32_t segment_bytes) {
    Message* message = &messages_[message_count_++];
    *message = {row, 0, segment_bytes, 0, udp_.used, true};
    return message;
  }

  // Sends what has been gathered, in order, and starts afresh.
  void SendMessages() {
    FillKernelMessages();
    uint32_t next = 0;
    while (next < message_count_ && message_fd_ != blocked_fd_) {
      int sent = sendmmsg(message_fd_, kernel_messages_ + next, message_count_ - next, MSG_DONTWAIT | MSG_NOSIGNAL);
      counters_[kSystemCalls]++;
      if (sent <= 0) {
        next = AfterRefusal(next, errno);
        continue;
      }
      for (int i = 0; i < sent; i++) Count(messages_[next + i].packets, messages_[next + i].bytes);
      next += sent;
    }
    if (next < message_count_) LeaveForLater(next);
    message_count_ = 0;
    udp_.Clear();
  }

  void FillKernelMessages() {
    for (uint32_t i = 0; i < message_count_; i++) {
      const Message& message = messages_[i];
      uint32_t end = i + 1 < message_count_ ? messages_[i + 1].first_vector : udp_.used;
      msghdr& header = kernel_messages_[i].msg_hdr;
      header = {};
      header.msg_namelen = LoadAddress(Row(message.row) + kAddressWord, &addresses_[i]);
      header.msg_name = &addresses_[i];
      header.msg_iov = udp_.vectors + message.first_vector;
      header.msg_iovlen = end - message.first_vector;
      if (message.packets > 1) AskForSegmentation(&header, controls_[i], message.segment_bytes);
    }
  }

  static void AskForSegmentation(msghdr* header, uint8_t* memory, uint32_t segment_bytes) {
    header->msg_control = memory;
    header->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
    cmsghdr* control = CMSG_FIRSTHDR(header);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    uint16_t segment = static_cast<uint16_t>(segment_bytes);
    memcpy(CMSG_DATA(control), &segment, sizeof segment);
  }

  void Count(uint32_t packets, uint64_t bytes) {
    counters_[kPackets] += packets;
    counters_[kBytes] += bytes;
    counters_[kMessages]++;
  }

  // The kernel refused message `at`. Returns the message to go on with.
  uint32_t AfterRefusal(uint32_t at, int error) {
    const Message& message = messages_[at];
    if (error == EINTR) return at;
    if (error == EAGAIN || error == ENOBUFS) {
      blocked_fd_ = message_fd_;
      return at;
    }
    bool segments = message.packets > 1;
    if (segments && (error == EMSGSIZE || error == EIO || error == EINVAL || error == EOPNOTSUPP)) {
      // Too long for this path, a device that can't segment, or a destination that takes nothing: the datagrams tell.
      // Its viewer goes without from now on; no viewer slows down the others.
      error = SendSingly(at);
      if (error == EAGAIN) return at;
      if (error == 0) {
        Report(message.row, -EMSGSIZE);
        return at + 1;
      }
    }
    Report(message.row, -error);
    uint32_t row = message.row;
    while (at < message_count_ && messages_[at].row == row) at++;  // what stopped one stops the whole row
    return at;
  }

  // Sends the packets of a run as datagrams of their own: 0 or an errno. On EAGAIN the message keeps what is left.
  int SendSingly(uint32_t at) {
    Message& message = messages_[at];
    msghdr& header = kernel_messages_[at].msg_hdr;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    iovec* vector = header.msg_iov;
    iovec* end = header.msg_iov + header.msg_iovlen;
    while (vector < end) {
      header.msg_iov = vector;
      uint32_t bytes = 0;
      while (vector < end && bytes < message.segment_bytes) bytes += static_cast<uint32_t>((vector++)->iov_len);
      header.msg_iovlen = vector - header.msg_iov;
      counters_[kSystemCalls]++;
      if (sendmsg(message_fd_, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno != EAGAIN && errno != ENOBUFS) return errno;
        blocked_fd_ = message_fd_;
        return EAGAIN;
      }
      Count(1, bytes);
      message.packets--;
    }
    return 0;
  }

  // The socket is full: every row from message `at` on is moved to what is left of it and reported.
  void LeaveForLater(uint32_t at) {
    while (at < message_count_) {
      uint32_t row = messages_[at].row, left = 0;
      for (; at < message_count_ && messages_[at].row == row; at++) left += messages_[at].packets;
      uint32_t* words = Row(row);
      if ((words[0] & 0xff) == kUdpRun) MoveOn(words, words[4] - left);
      Report(row, -EAGAIN);
    }
  }

  static void MoveOn(uint32_t* words, uint32_t packets) {
    words[3] += packets;
    words[4] -= packets;
    words[6] = (words[6] & 0xffff0000) | ((words[6] + packets) & 0xffff);
    if (IsRetransmission(words)) words[8] = (words[8] + packets) & 0xffff;
  }

  // --- TCP -----------------------------------------------------------------------------------------------------------

  // A stream that was full or broken once in this flush gets no later row: its bytes must stay in order.
  bool IsFull(uint32_t row) {
    uint32_t fd = Row(row)[1];
    if (fd >= full_.size() || !full_[fd]) return false;
    Report(row, -EAGAIN);
    return true;
  }

  void MarkFull(uint32_t fd) {
    if (fd >= full_.size()) full_.resize(fd + 1);
    full_[fd] = true;
    full_fds_.push_back(fd);
  }

  // Reports a stream's row and holds back the rows behind it.
  void StopStream(uint32_t row, int code) {
    if (code != -EBADF && code != -ENOTSOCK) MarkFull(Row(row)[1]);  // no stream: nothing to keep in order
    Report(row, code);
  }

  void SendInterleavedRun(uint32_t row) {
    uint32_t* words = Row(row);
    const Plan* plan = PlanOf(row);
    if (plan == nullptr || IsFull(row)) return;
    while (words[4] > 0) {
      uint32_t count = std::min(words[4], kMaxInterleavedPackets);
      tcp_.Clear();
      size_t total = 0;
      for (uint32_t i = 0; i < count; i++) {
        lengths_[i] = tcp_.Add(PacketOf(*plan, words[3] + i), words, i, true);
        total += lengths_[i];
      }
      ssize_t written = WriteVectors(static_cast<int>(words[1]), words[9]);
      if (written < 0) return StopStream(row, static_cast<int>(written));
      size_t done = words[9] + static_cast<size_t>(written);
      if (done < total) return KeepRest(row, done);
      Count(count, total);
      words[9] = 0;
      MoveOn(words, count);
    }
  }

  // The socket took `done` bytes of the packets gathered: the row goes on in the middle of one of them.
  void KeepRest(uint32_t row, size_t done) {
    uint32_t* words = Row(row);
    uint32_t whole = 0;
    size_t bytes = 0;
    for (; bytes + lengths_[whole] <= done; whole++) bytes += lengths_[whole];
    if (whole > 0) Count(whole, bytes);
    MoveOn(words, whole);
    words[9] = static_cast<uint32_t>(done - bytes);
    StopStream(row, -EAGAIN);
  }

  // copyRun(row: Uint32Array, an interleaved run; into: Uint8Array): bytes of its frames, for streams that are not
  // written here. Takes as many whole packets as `into` has room for and moves the row on past them. -EINVAL: no such
  // packets, -ENOBUFS: no room for one, -EFAULT: the file is shorter than it was.
  Napi::Value CopyRun(const Napi::CallbackInfo& info) {
    Napi::Uint32Array row = info[0].As<Napi::Uint32Array>();
    Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
    uint32_t* words = row.Data();
    const Plan* plan = row.ElementLength() < kRowWords ? nullptr : FindPlan(words);
    if (plan == nullptr) return Napi::Number::New(info.Env(), -EINVAL);
    tcp_.Clear();
    uint32_t count = 0;
    size_t total = 0;
    for (; count < std::min(words[4], kMaxInterleavedPackets); count++) {
      Packet packet = PacketOf(*plan, words[3] + count);
      size_t bytes = kInterleavedHeaderBytes + kRtpHeaderBytes + packet.prefix_bytes + packet.slice_bytes;
      if (total + bytes > into.ByteLength()) break;
      total += tcp_.Add(packet, words, count, true);
    }
    if (count == 0 && words[4] > 0) return Napi::Number::New(info.Env(), -ENOBUFS);
    if (!CopyVectors(*plan->file, into.Data())) return Napi::Number::New(info.Env(), -EFAULT);
    Count(count, total);
    MoveOn(words, count);
    return Napi::Number::New(info.Env(), static_cast<double>(total));
  }

  // Copies what tcp_ holds to `to`. The slices are read out of the file, since nothing here loads from the mapping
  // (mapped_file.h); those that lie side by side in it, as fragments of one frame do, by one call. False when it ends
  // before them.
  bool CopyVectors(const MappedFile& file, uint8_t* to) {
    iovec slices[kMaxInterleavedPackets];
    int used = 0;
    off_t begin = 0, end = 0;
    for (const iovec* vector = tcp_.vectors; vector < tcp_.vectors + tcp_.used; to += (vector++)->iov_len) {
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
      end += vector->iov_len;
    }
    return used == 0 || ReadSlices(file.fd, slices, used, begin);
  }

  // Fills the slices from `offset` on; false at the end of the file, and when it can't be read.
  bool ReadSlices(int fd, iovec* slices, int count, off_t offset) {
    while (count > 0) {
      counters_[kSystemCalls]++;
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

  // Writes what tcp_ holds but its first `skip` bytes. Bytes written (0 when the socket is full) or -errno.
  ssize_t WriteVectors(int fd, size_t skip) {
    iovec* vector = tcp_.vectors;
    iovec* end = vector + tcp_.used;
    for (; vector < end && skip >= vector->iov_len; vector++) skip -= vector->iov_len;
    if (vector == end) return 0;
    vector->iov_base = static_cast<uint8_t*>(vector->iov_base) + skip;
    vector->iov_len -= skip;
    msghdr header = {};
    header.msg_iov = vector;
    header.msg_iovlen = end - vector;
    return SendStream(fd, header);
  }

  ssize_t SendStream(int fd, const msghdr& header) {
    ssize_t written;
    do {
      counters_[kSystemCalls]++;
      written = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (written < 0 && errno == EINTR);
    if (written >= 0) return written;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
  }

  void SendTcpRaw(uint32_t row) {
    uint32_t* words = Row(row);
    if (uint64_t{words[2]} + words[3] > arena_bytes_ || words[9] > words[3]) return Report(row, -EINVAL);
    if (IsFull(row)) return;
    iovec vector = {arena_ + words[2] + words[9], words[3] - words[9]};
    msghdr header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    ssize_t written = SendStream(static_cast<int>(words[1]), header);
    if (written < 0) return StopStream(row, static_cast<int>(written));
    words[9] += static_cast<uint32_t>(written);
    if (words[9] < words[3]) StopStream(row, -EAGAIN);
  }

  uint32_t* rows_ = nullptr;
  uint8_t* arena_ = nullptr;
  uint32_t arena_bytes_ = 0;
  int32_t* exceptions_ = nullptr;
  uint32_t max_rows_ = 0;
  double* counters_ = nullptr;
  Napi::ObjectReference buffers_[4];

  std::vector<Plan> plans_;
  std::vector<uint32_t> free_plans_;

  int blocked_fd_ = -1;
  int message_fd_ = -1;
  uint32_t message_count_ = 0;
  uint32_t exception_count_ = 0;
  Message messages_[kMaxPackets];
  mmsghdr kernel_messages_[kMaxPackets];
  sockaddr_storage addresses_[kMaxPackets];
  alignas(cmsghdr) uint8_t controls_[kMaxPackets][CMSG_SPACE(sizeof(uint16_t))];
  Gather<kMaxPackets> udp_;
  Gather<kMaxInterleavedPackets> tcp_;
  uint32_t lengths_[kMaxInterleavedPackets];
  std::vector<bool> full_;  // by descriptor
  std::vector<uint32_t> full_fds_;
};

}  // namespace

void InitPacketBatch(Napi::Env env, Napi::Object exports) { exports.Set("PacketBatch", PacketBatch::Define(env)); }

}  // namespace finch
