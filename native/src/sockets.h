// Socket calls that Node has no synchronous form of. Every call returns a count, a descriptor or a negative errno.
// Addresses cross as in socket_address.h.

#ifndef FINCH_SOCKETS_H_
#define FINCH_SOCKETS_H_

#include <napi.h>

namespace finch {

// Any socket: registers socketName, socketClose.
void InitSockets(Napi::Env env, Napi::Object exports);

// Streams that were accepted: registers tcpListen, tcpAccept, tcpReceive, tcpSend.
void InitTcpSockets(Napi::Env env, Napi::Object exports);

// Datagrams: registers udpBind, udpSendOnly, udpReceive.
void InitUdpSockets(Napi::Env env, Napi::Object exports);

// What clients open, and how it receives: registers tcpConnect, receiveOptions.
void InitClientSockets(Napi::Env env, Napi::Object exports);

// Many descriptors read by one call, for programs that receive more than they send: registers receiveSetOpen,
// receiveSetAdd, receiveSetRemove, receiveSetTake.
void InitReceiveSets(Napi::Env env, Napi::Object exports);

}  // namespace finch

#endif  // FINCH_SOCKETS_H_
