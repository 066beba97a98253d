/* RTP headers (RFC 3550 5.1) and the clock. */
#define _GNU_SOURCE
#include <time.h>

#include "floor.h"

void put_rtp_header(uint8_t *at, struct viewer_track *track, const struct unit *unit, int marker) {
  uint16_t sequence = track->sequence++;
  at[0] = 0x80;
  at[1] = (uint8_t)((marker ? 0x80 : 0) | (FIRST_PAYLOAD_TYPE + unit->track));
  at[2] = (uint8_t)(sequence >> 8);
  at[3] = (uint8_t)sequence;
  for (int i = 0; i < 4; i++) at[4 + i] = (uint8_t)(unit->timestamp >> (24 - 8 * i));
  for (int i = 0; i < 4; i++) at[8 + i] = (uint8_t)(track->ssrc >> (24 - 8 * i));
}

uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}
