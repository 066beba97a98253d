// What becomes of IPv4 datagrams that are longer than their path takes. Used by whoever makes a datagram socket, and by the one
// who sends. Rule: a socket sends whole datagrams (RFC 1191), for these need no identification (RFC 6864 §4), which the kernel
// would otherwise draw for each from a table that all processors share; that a datagram is too long is told by EMSGSIZE.

#ifndef FINCH_PATH_MTU_H_
#define FINCH_PATH_MTU_H_

#include <netinet/in.h>
#include <sys/socket.h>

namespace finch {

// Best effort: over IPv6 hosts alone cut datagrams, and an IPv6 socket refuses the option.
inline void SendWhole(int fd) {
  int whole = IP_PMTUDISC_DO;
  setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
}

// While it lives the kernel cuts what the socket sends to the length that the path takes.
class Fragments {
 public:
  explicit Fragments(int fd) : fd_(fd) {
    int cut = IP_PMTUDISC_WANT;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &cut, sizeof cut);
  }
  ~Fragments() { SendWhole(fd_); }
  Fragments(const Fragments&) = delete;
  Fragments& operator=(const Fragments&) = delete;

 private:
  const int fd_;
};

}  // namespace finch

#endif  // FINCH_PATH_MTU_H_
