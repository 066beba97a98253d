// The clock of the addon: CLOCK_MONOTONIC in microseconds, the same in every thread.

#ifndef FINCH_CLOCK_H_
#define FINCH_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace finch {

inline int64_t MonotonicUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

}  // namespace finch

#endif  // FINCH_CLOCK_H_
