/* UDP: all viewers of a turn in one batch, a run of equal packets as one message that the kernel cuts (UDP_SEGMENT). */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
  BATCH_MESSAGES = 1024,
  BATCH_PACKETS = 4096,
  MAX_SEGMENTS = 64,
  MAX_RUN_BYTES = 65507,
  SEND_BUFFER_BYTES = 4 << 20
};

static int rtp_socket;
static struct mmsghdr messages[BATCH_MESSAGES];
static struct sockaddr_in addresses[BATCH_MESSAGES];
static union {
  struct cmsghdr header;
  uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
} controls[BATCH_MESSAGES];
static uint32_t message_packets[BATCH_MESSAGES];
static struct iovec vectors[BATCH_PACKETS * 2];
static uint8_t headers[BATCH_PACKETS][RTP_HEADER_BYTES];
static uint32_t message_count, packet_count;

static int bind_port(uint16_t port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int bytes = SEND_BUFFER_BYTES;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int open_udp_pair(void) {
  for (uint16_t port = 40000; port < 60000; port = (uint16_t)(port + 2)) {
    rtp_socket = bind_port(port);
    if (rtp_socket < 0) continue;
    if (bind_port((uint16_t)(port + 1)) < 0) {
      close(rtp_socket);
      continue;
    }
    server_port = port;
    return 0;
  }
  return -1;
}

static struct msghdr *open_message(struct viewer_track *track) {
  uint32_t index = message_count++;
  struct msghdr *message = &messages[index].msg_hdr;
  addresses[index] = track->address;
  memset(message, 0, sizeof *message);
  message->msg_name = &addresses[index];
  message->msg_namelen = sizeof addresses[index];
  message->msg_iov = &vectors[packet_count * 2];
  message_packets[index] = 0;
  return message;
}

static void ask_for_segmentation(uint32_t index, uint16_t segment_bytes) {
  struct msghdr *message = &messages[index].msg_hdr;
  struct cmsghdr *control = &controls[index].header;
  message->msg_control = control;
  message->msg_controllen = CMSG_SPACE(sizeof segment_bytes);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment_bytes);
  memcpy(CMSG_DATA(control), &segment_bytes, sizeof segment_bytes);
}

void udp_send_unit(struct viewer *viewer, const struct unit *unit) {
  struct viewer_track *track = &viewer->tracks[unit->track];
  struct msghdr *message = NULL;
  uint32_t segment = 0, run_bytes = 0;
  int open = 0;
  if (message_count + unit->packet_count > BATCH_MESSAGES || packet_count + unit->packet_count > BATCH_PACKETS)
    udp_flush();
  for (uint32_t i = 0; i < unit->packet_count; i++) {
    const struct packet *packet = &list.packets[unit->first_packet + i];
    uint32_t bytes = RTP_HEADER_BYTES + packet->bytes;
    int joins = open && bytes <= segment && message_packets[message_count - 1] < MAX_SEGMENTS &&
                run_bytes + bytes <= MAX_RUN_BYTES;
    if (!joins) {
      message = open_message(track);
      segment = bytes;
      run_bytes = 0;
    }
    put_rtp_header(headers[packet_count], track, unit, packet->marker != 0);
    vectors[packet_count * 2] = (struct iovec){headers[packet_count], RTP_HEADER_BYTES};
    vectors[packet_count * 2 + 1] = (struct iovec){(void *)(list.payload + packet->offset), packet->bytes};
    packet_count++;
    message->msg_iovlen += 2;
    run_bytes += bytes;
    if (++message_packets[message_count - 1] == 2) ask_for_segmentation(message_count - 1, (uint16_t)segment);
    open = bytes == segment;
    counters.bytes += packet->bytes;
  }
}

void udp_flush(void) {
  for (uint32_t next = 0; next < message_count;) {
    int sent = sendmmsg(rtp_socket, messages + next, message_count - next, 0);
    counters.system_calls++;
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) {
      counters.lost += message_packets[next++];
      continue;
    }
    for (int i = 0; i < sent; i++) counters.packets += message_packets[next++];
  }
  message_count = packet_count = 0;
}
