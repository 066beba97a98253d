/* As much RTSP as a viewer needs (RFC 2326): OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"

enum { REPLY_BYTES = 4096 };

static const char *value_of(const char *request, const char *name) {
  const char *at = strcasestr(request, name);
  return at == NULL ? NULL : at + strlen(name);
}

static void reply(struct viewer *viewer, const char *extra, const char *body) {
  char text[REPLY_BYTES];
  const char *sequence = value_of(viewer->request, "\nCSeq:");
  int length = snprintf(text, sizeof text, "RTSP/1.0 200 OK\r\nCSeq: %d\r\nSession: %d;timeout=600\r\n%s",
                        sequence == NULL ? 0 : atoi(sequence), viewer->fd, extra);
  length += snprintf(text + length, sizeof text - (size_t)length, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
  ssize_t sent = send(viewer->fd, text, (size_t)length, MSG_NOSIGNAL);
  (void)sent;
}

static void set_up(struct viewer *viewer) {
  const char *name = strstr(viewer->request, "/track");
  unsigned index = name == NULL ? 0 : (unsigned)atoi(name + 6);
  const char *ports = value_of(viewer->request, "client_port=");
  const char *channels = value_of(viewer->request, "interleaved=");
  char extra[256];
  struct viewer_track *track = &viewer->tracks[index < MAX_TRACKS ? index : 0];
  track->ssrc = (uint32_t)viewer->fd << 8 | index;
  viewer->tcp = channels != NULL;
  if (channels != NULL) {
    track->channel = (uint8_t)atoi(channels);
    snprintf(extra, sizeof extra, "Transport: RTP/AVP/TCP;unicast;interleaved=%u-%u\r\n", track->channel,
             track->channel + 1u);
  } else {
    socklen_t length = sizeof track->address;
    uint16_t port = (uint16_t)(ports == NULL ? 0 : atoi(ports));
    getpeername(viewer->fd, (struct sockaddr *)&track->address, &length);
    track->address.sin_port = htons(port);
    snprintf(extra, sizeof extra, "Transport: RTP/AVP;unicast;client_port=%u-%u;server_port=%u-%u\r\n", port, port + 1u,
             server_port, server_port + 1u);
  }
  reply(viewer, extra, "");
}

static void answer(struct viewer *viewer, const char *sdp) {
  const char *request = viewer->request;
  if (strncmp(request, "DESCRIBE", 8) == 0) {
    reply(viewer, "Content-Type: application/sdp\r\n", sdp);
  } else if (strncmp(request, "SETUP", 5) == 0) {
    set_up(viewer);
  } else if (strncmp(request, "PLAY", 4) == 0) {
    reply(viewer, "Range: npt=0-\r\n", "");
    viewer->start_us = now_us();
    viewer->next_unit = 0;
    viewer->playing = 1;
  } else {
    if (strncmp(request, "TEARDOWN", 8) == 0 || strncmp(request, "PAUSE", 5) == 0) viewer->playing = 0;
    reply(viewer, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER\r\n", "");
  }
}

int serve_request(struct viewer *viewer, const char *sdp) {
  ssize_t count =
      recv(viewer->fd, viewer->request + viewer->request_bytes, REQUEST_BYTES - 1 - viewer->request_bytes, 0);
  if (count <= 0) return -1;
  viewer->request_bytes += (size_t)count;
  viewer->request[viewer->request_bytes] = 0;
  for (;;) {
    char *end;
    size_t length;
    if (viewer->request[0] == '$') { /* receiver reports: passed over */
      if (viewer->request_bytes < 4) return 0;
      length = 4u + ((uint8_t)viewer->request[2] << 8 | (uint8_t)viewer->request[3]);
      if (viewer->request_bytes < length) return length < REQUEST_BYTES ? 0 : -1;
    } else {
      end = strstr(viewer->request, "\r\n\r\n");
      if (end == NULL) return viewer->request_bytes < REQUEST_BYTES - 1 ? 0 : -1;
      length = (size_t)(end + 4 - viewer->request);
      answer(viewer, sdp);
    }
    viewer->request_bytes -= length;
    memmove(viewer->request, viewer->request + length, viewer->request_bytes + 1);
    if (viewer->request_bytes == 0) return 0;
  }
}
