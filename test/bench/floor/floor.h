/*
 * The floor: what the kernel itself costs. A plain C program that paces the same packets of the same movie to the same
 * viewers as the server does, and nothing else. `npm run bench` compiles it and measures it beside the server, with the
 * same load generator; so it speaks as much RTSP as a viewer needs to start.
 *
 *   floor PORT LIST SDP [WINDOW_US]
 *   floor --sprint udp|tcp VIEWERS PORT WINDOW_US LEG_US LIST
 *
 * UDP: sendmmsg with UDP_SEGMENT runs, all viewers of a turn in one batch. TCP: one writev for each frame and viewer.
 * What the viewer asks for in SETUP decides. One thread. It prints "ready" when it listens, and its CPU time per packet
 * when it gets SIGTERM. As a sprinter it does not wait for the clock: see floor_sprint.c.
 *
 * The packet list (little endian, written by packet-list.mjs):
 *   header  u32 magic "FLST"  u32 tracks  u32 units  u32 packets  u64 duration us  u64 offset of units
 *           u64 offset of packets  u64 offset of payload
 *   unit    u64 due us  u32 track  u32 RTP timestamp  u32 first packet  u32 packets      what leaves at one instant
 *   packet  u64 offset in the payload  u32 bytes  u32 marker
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_TRACKS = 4, REQUEST_BYTES = 4096, RTP_HEADER_BYTES = 12, FIRST_PAYLOAD_TYPE = 96 };

struct header {
  uint32_t magic, tracks, units, packets;
  uint64_t duration_us, units_offset, packets_offset, payload_offset;
};

struct unit {
  uint64_t due_us;
  uint32_t track, timestamp, first_packet, packet_count;
};

struct packet {
  uint64_t offset;
  uint32_t bytes, marker;
};

struct packet_list {
  const struct header *header;
  const struct unit *units;
  const struct packet *packets;
  const uint8_t *payload;
};

struct viewer_track {
  struct sockaddr_in address; /* UDP */
  uint8_t channel;            /* TCP */
  uint16_t sequence;
  uint32_t ssrc;
};

struct viewer {
  int fd;
  int playing, tcp;
  uint64_t start_us;
  uint32_t next_unit;
  struct viewer_track tracks[MAX_TRACKS];
  uint8_t *rest; /* of a frame that the TCP socket did not take whole */
  size_t rest_bytes, rest_sent;
  size_t request_bytes;
  char request[REQUEST_BYTES];
};

struct counters {
  uint64_t packets, bytes, system_calls, lost;
};

extern struct counters counters;
extern struct packet_list list;
extern uint16_t server_port; /* of RTP; RTCP is the next */

/* floor_list.c: maps the list; exits when it is none. */
void map_list(const char *path);

/* floor_rtsp.c: answers what the viewer sent; -1 when it is gone. */
int serve_request(struct viewer *viewer, const char *sdp);

/* floor_udp.c */
int open_udp_pair(void);
void udp_send_unit(struct viewer *viewer, const struct unit *unit);
void udp_flush(void);

/* floor_tcp.c: 0, or -1 when the viewer is gone. */
int tcp_send_unit(struct viewer *viewer, const struct unit *unit);
int tcp_send_rest(struct viewer *viewer);

/* floor_main.c: sends what is due before `horizon_us`; 0, or -1 when the viewer is gone. */
int send_due(struct viewer *viewer, uint64_t horizon_us);

/* floor_sprint.c: the program's exit code. */
int sprint(int argc, char **argv);

/* floor_rtp.c */
void put_rtp_header(uint8_t *at, struct viewer_track *track, const struct unit *unit, int marker);

uint64_t now_us(void);

#endif
