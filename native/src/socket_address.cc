#include "socket_address.h"

#include <cstring>

namespace finch {

void StoreAddress(const KernelAddress& address, uint32_t* words) {
  memset(words, 0, kAddressWords * sizeof *words);
  if (address.any.sa_family == AF_INET) {
    words[0] = 4;
    words[1] = ntohs(address.v4.sin_port);
    memcpy(words + 2, &address.v4.sin_addr, sizeof address.v4.sin_addr);
  } else if (address.any.sa_family == AF_INET6) {
    words[0] = 6;
    words[1] = ntohs(address.v6.sin6_port);
    memcpy(words + 2, &address.v6.sin6_addr, sizeof address.v6.sin6_addr);
  }
}

socklen_t LoadAddress(const uint32_t* words, KernelAddress* address) {
  memset(address, 0, sizeof *address);
  if (words[0] == 4) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(static_cast<uint16_t>(words[1]));
    memcpy(&address->v4.sin_addr, words + 2, sizeof address->v4.sin_addr);
    return sizeof address->v4;
  }
  if (words[0] != 6) return 0;
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = htons(static_cast<uint16_t>(words[1]));
  memcpy(&address->v6.sin6_addr, words + 2, sizeof address->v6.sin6_addr);
  return sizeof address->v6;
}

}  // namespace finch
