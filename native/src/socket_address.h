// Socket addresses as they cross: six 32-bit words, family (4 or 6), port (host order), then 16 bytes of address in
// network order (IPv4 uses the first four). Used by socket calls and packet rows; core/src/net/socket-address.ts is the
// other face.

#ifndef FINCH_SOCKET_ADDRESS_H_
#define FINCH_SOCKET_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace finch {

constexpr uint32_t kAddressWords = 6;

// An address as the kernel takes it. Messages have one each, so it is no longer than IP needs (a sockaddr_storage has
// 128 bytes).
union KernelAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

void StoreAddress(const KernelAddress& address, uint32_t* words);

// Returns the length of the address, 0 when the family is neither 4 nor 6.
socklen_t LoadAddress(const uint32_t* words, KernelAddress* address);

}  // namespace finch

#endif  // FINCH_SOCKET_ADDRESS_H_
