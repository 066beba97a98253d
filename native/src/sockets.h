// Socket calls that Node has no synchronous form of. Every call returns a count, a descriptor or a negative errno.
//
// Addresses cross as six 32-bit words: family (4 or 6), port (host order), then 16 bytes of address in network order
// (IPv4 uses the first four). core/src/net/socket-address.ts is the other face.

#ifndef FINCH_SOCKETS_H_
#define FINCH_SOCKETS_H_

#include <napi.h>
#include <sys/socket.h>

#include <cstdint>

namespace finch {

constexpr uint32_t kAddressWords = 6;

void StoreAddress(const sockaddr_storage& address, uint32_t* words);

// Returns the length of the address, 0 when the family is neither 4 nor 6.
socklen_t LoadAddress(const uint32_t* words, sockaddr_storage* address);

// Registers tcpListen, tcpAccept, socketName, socketClose, tcpReceive, tcpSend, udpBind, udpReceive; and what clients
// need: tcpConnect, receiveOptions, receiveSetOpen, receiveSetAdd, receiveSetRemove, receiveSetTake.
void InitSockets(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_SOCKETS_H_
