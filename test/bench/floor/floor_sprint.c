/*
 * The floor in virtual time: sends what a leg of the movie has for all viewers, as fast as it goes, and says what it cost.
 * A line in is one leg, a line out its figures; test/bench/sprint has the other sprinter and who gives the turns.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "floor.h"

enum { STAGGER_US = 40 };

static uint64_t cpu_ns(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static struct sockaddr_in address_of(uint32_t host, uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static int connect_viewer(uint16_t port) {
  struct sockaddr_in address = address_of(INADDR_LOOPBACK, port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    perror("connect");
    exit(1);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static struct viewer *make_viewers(int tcp, uint32_t count, uint16_t port) {
  struct viewer *viewers = calloc(count, sizeof *viewers);
  for (uint32_t i = 0; i < count; i++) {
    struct viewer *viewer = &viewers[i];
    viewer->tcp = tcp;
    viewer->fd = tcp ? connect_viewer(port) : -1;
    viewer->start_us = (uint64_t)i * STAGGER_US;
    for (uint32_t track = 0; track < MAX_TRACKS; track++) {
      viewer->tracks[track].address = address_of(0x7f010000u | i, port);
      viewer->tracks[track].channel = (uint8_t)(track * 2);
      viewer->tracks[track].ssrc = i << 8 | track;
    }
  }
  return viewers;
}

static void run_leg(struct viewer *viewers, uint32_t count, uint64_t *now, uint64_t window_us, uint64_t leg_us) {
  struct counters before = counters;
  uint64_t began_ns = cpu_ns();
  for (uint64_t us = 0; us < leg_us; us += window_us) {
    *now += window_us;
    for (uint32_t i = 0; i < count; i++) {
      if (send_due(&viewers[i], *now) < 0 || viewers[i].rest != NULL) exit(1); /* the sink took less than was sent */
    }
    udp_flush();
  }
  double cpu_us = (double)(cpu_ns() - began_ns) / 1000;
  printf("{\"packets\":%llu,\"systemCalls\":%llu,\"cpuUs\":%.1f}\n",
         (unsigned long long)(counters.packets - before.packets),
         (unsigned long long)(counters.system_calls - before.system_calls), cpu_us);
  fflush(stdout);
}

int sprint(int argc, char **argv) {
  char line[16];
  uint64_t now = 0;
  if (argc != 6) return 2;
  int tcp = strcmp(argv[0], "tcp") == 0;
  uint32_t count = (uint32_t)atoi(argv[1]);
  uint16_t port = (uint16_t)atoi(argv[2]);
  uint64_t window_us = strtoull(argv[3], NULL, 10), leg_us = strtoull(argv[4], NULL, 10);
  map_list(argv[5]);
  if (open_udp_pair() < 0) return 1;
  struct viewer *viewers = make_viewers(tcp, count, port);
  printf("ready\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) run_leg(viewers, count, &now, window_us, leg_us);
  return 0;
}
