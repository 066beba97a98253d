// How socket calls take numbers and return results. Used by the files that register them.
// Rule: a result is a count, a descriptor or a negative errno, and no descriptor outlives a call that failed.

#ifndef FINCH_SOCKET_CALL_H_
#define FINCH_SOCKET_CALL_H_

#include <errno.h>
#include <napi.h>
#include <unistd.h>

namespace finch {

inline int Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

inline Napi::Value Result(Napi::Env env, ssize_t result) {
  return Napi::Number::New(env, static_cast<double>(result < 0 ? -errno : result));
}

// Closes the descriptor and reports the error that made it useless.
inline Napi::Value CloseAndFail(Napi::Env env, int fd) {
  int error = errno;
  close(fd);
  return Napi::Number::New(env, -error);
}

}  // namespace finch

#endif  // FINCH_SOCKET_CALL_H_
