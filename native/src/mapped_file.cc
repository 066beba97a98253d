#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <unordered_map>

namespace finch {

namespace {

// A file and the thread's environment that owns it.
struct OwnedFile {
  MappedFile* file;
  napi_env owner;
};

std::mutex table_mutex;
std::unordered_map<uint32_t, OwnedFile> table;  // by id; ids are never used again
uint32_t next_id = 1;
std::atomic<int> mapped_files{0};

// Opens a path whose links have been resolved already: a component that has become a link since is refused (ELOOP).
// O_NONBLOCK keeps a FIFO from blocking the thread.
int OpenResolved(const char* path) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  return open(path, kFlags | O_NOFOLLOW);  // before Linux 5.6, and in sandboxes that don't know openat2
}

Napi::Value Fail(Napi::Env env, int error) { return Napi::Number::New(env, -error); }

// fileOpen(path): { id, fd, sizeBytes, modifiedMs, device, inode } or -errno; EISDIR or EINVAL for what is no regular
// file.
Napi::Value Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  int fd = OpenResolved(path.c_str());
  if (fd < 0) return Fail(env, errno);
  struct stat status;
  int error = fstat(fd, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : !S_ISREG(status.st_mode) ? EINVAL : 0;
  void* bytes = nullptr;
  if (error == 0 && status.st_size > 0) {
    bytes = mmap(nullptr, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) error = errno;
  }
  if (error != 0) {
    close(fd);
    return Fail(env, error);
  }
  MappedFile* file = new MappedFile{static_cast<const uint8_t*>(bytes), static_cast<size_t>(status.st_size), fd, {1}};
  mapped_files++;
  Napi::Object result = Napi::Object::New(env);
  {
    std::lock_guard<std::mutex> lock(table_mutex);
    result.Set("id", next_id);
    table[next_id++] = {file, env};
  }
  result.Set("fd", fd);
  result.Set("sizeBytes", static_cast<double>(status.st_size));
  result.Set("modifiedMs", static_cast<double>(status.st_mtim.tv_sec) * 1000 + status.st_mtim.tv_nsec / 1000000);
  result.Set("device", static_cast<double>(status.st_dev));
  result.Set("inode", static_cast<double>(status.st_ino));
  return result;
}

// fileClose(id): 0 or -EBADF. Gives up the owner's hold.
Napi::Value Close(const Napi::CallbackInfo& info) {
  MappedFile* file = nullptr;
  {
    std::lock_guard<std::mutex> lock(table_mutex);
    auto found = table.find(info[0].As<Napi::Number>().Uint32Value());
    if (found == table.end()) return Fail(info.Env(), EBADF);
    file = found->second.file;
    table.erase(found);
  }
  ReleaseMappedFile(file);
  return Napi::Number::New(info.Env(), 0);
}

// A thread that ends takes along the files it has not closed: a worker is terminated without a word.
void CloseFilesOf(napi_env owner) {
  std::lock_guard<std::mutex> lock(table_mutex);
  for (auto entry = table.begin(); entry != table.end();) {
    if (entry->second.owner != owner) {
      ++entry;
      continue;
    }
    ReleaseMappedFile(entry->second.file);
    entry = table.erase(entry);
  }
}

// fileCount(): files that are still mapped, whoever holds them.
Napi::Value Count(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), mapped_files.load()); }

}  // namespace

MappedFile* HoldMappedFile(uint32_t id) {
  std::lock_guard<std::mutex> lock(table_mutex);
  auto found = table.find(id);
  if (found == table.end()) return nullptr;
  found->second.file->holders++;
  return found->second.file;
}

void ReleaseMappedFile(MappedFile* file) {
  if (--file->holders > 0) return;
  if (file->bytes != nullptr) munmap(const_cast<uint8_t*>(file->bytes), file->size_bytes);
  close(file->fd);
  delete file;
  mapped_files--;
}

void InitMappedFile(Napi::Env env, Napi::Object exports) {
  env.AddCleanupHook([owner = static_cast<napi_env>(env)]() { CloseFilesOf(owner); });
  exports.Set("fileOpen", Napi::Function::New<Open>(env));
  exports.Set("fileClose", Napi::Function::New<Close>(env));
  exports.Set("fileCount", Napi::Function::New<Count>(env));
}

}  // namespace finch
