/* TCP: one writev for each frame and viewer, interleaved as in RFC 2326 10.12; what the socket has no room for waits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "floor.h"

enum { MAX_PACKETS = 340, FRAME_HEADER_BYTES = 4 + RTP_HEADER_BYTES };

static struct iovec vectors[MAX_PACKETS * 2];
static uint8_t headers[MAX_PACKETS][FRAME_HEADER_BYTES];

static int keep_rest(struct viewer *viewer, int count, size_t total, size_t written) {
  viewer->rest = malloc(total - written);
  viewer->rest_bytes = viewer->rest_sent = 0;
  for (int i = 0; i < count; i++) {
    size_t skip = written < vectors[i].iov_len ? written : vectors[i].iov_len;
    size_t length = vectors[i].iov_len - skip;
    written -= skip;
    memcpy(viewer->rest + viewer->rest_bytes, (uint8_t *)vectors[i].iov_base + skip, length);
    viewer->rest_bytes += length;
  }
  return 0;
}

int tcp_send_unit(struct viewer *viewer, const struct unit *unit) {
  struct viewer_track *track = &viewer->tracks[unit->track];
  size_t total = 0;
  int count = 0;
  for (uint32_t i = 0; i < unit->packet_count && i < MAX_PACKETS; i++) {
    const struct packet *packet = &list.packets[unit->first_packet + i];
    uint32_t rtp_bytes = RTP_HEADER_BYTES + packet->bytes;
    uint8_t *header = headers[i];
    header[0] = '$';
    header[1] = track->channel;
    header[2] = (uint8_t)(rtp_bytes >> 8);
    header[3] = (uint8_t)rtp_bytes;
    put_rtp_header(header + 4, track, unit, packet->marker != 0);
    vectors[count++] = (struct iovec){header, FRAME_HEADER_BYTES};
    vectors[count++] = (struct iovec){(void *)(list.payload + packet->offset), packet->bytes};
    total += 4 + rtp_bytes;
    counters.bytes += packet->bytes;
  }
  ssize_t written = writev(viewer->fd, vectors, count);
  counters.system_calls++;
  counters.packets += unit->packet_count;
  if (written < 0 && errno != EAGAIN) return -1;
  if (written < 0) written = 0;
  return (size_t)written == total ? 0 : keep_rest(viewer, count, total, (size_t)written);
}

int tcp_send_rest(struct viewer *viewer) {
  struct iovec rest = {viewer->rest + viewer->rest_sent, viewer->rest_bytes - viewer->rest_sent};
  ssize_t written = writev(viewer->fd, &rest, 1);
  counters.system_calls++;
  if (written < 0) return errno == EAGAIN ? 0 : -1;
  viewer->rest_sent += (size_t)written;
  if (viewer->rest_sent < viewer->rest_bytes) return 0;
  free(viewer->rest);
  viewer->rest = NULL;
  return 0;
}
