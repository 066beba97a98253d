#include "socket_address.h"

#include <netinet/in.h>

#include <cstring>

namespace finch {

void StoreAddress(const sockaddr_storage& address, uint32_t* words) {
  memset(words, 0, kAddressWords * sizeof *words);
  if (address.ss_family == AF_INET) {
    const sockaddr_in& v4 = reinterpret_cast<const sockaddr_in&>(address);
    words[0] = 4;
    words[1] = ntohs(v4.sin_port);
    memcpy(words + 2, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.ss_family == AF_INET6) {
    const sockaddr_in6& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    words[0] = 6;
    words[1] = ntohs(v6.sin6_port);
    memcpy(words + 2, &v6.sin6_addr, sizeof v6.sin6_addr);
  }
}

socklen_t LoadAddress(const uint32_t* words, sockaddr_storage* address) {
  memset(address, 0, sizeof *address);
  if (words[0] == 4) {
    sockaddr_in* v4 = reinterpret_cast<sockaddr_in*>(address);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(words[1]));
    memcpy(&v4->sin_addr, words + 2, sizeof v4->sin_addr);
    return sizeof *v4;
  }
  if (words[0] != 6) return 0;
  sockaddr_in6* v6 = reinterpret_cast<sockaddr_in6*>(address);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(words[1]));
  memcpy(&v6->sin6_addr, words + 2, sizeof v6->sin6_addr);
  return sizeof *v6;
}

}  // namespace finch
