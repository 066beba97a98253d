/* The loop: one epoll for connections and the tick, and one pass over the viewers each tick. See floor.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "floor.h"

enum { MAX_VIEWERS = 65536, MAX_EVENTS = 256, DEFAULT_WINDOW_US = 2500, SDP_BYTES = 2048 };

struct counters counters;
uint16_t server_port;

static struct viewer *viewers[MAX_VIEWERS];
static uint32_t viewer_count;
static volatile sig_atomic_t stopping;
/* Tell the listener and the tick from viewers among the events. */
static char listener_tag, timer_tag;

static void stop(int number) {
  (void)number;
  stopping = 1;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void close_viewer(struct viewer *viewer) {
  for (uint32_t i = 0; i < viewer_count; i++) {
    if (viewers[i] != viewer) continue;
    viewers[i] = viewers[--viewer_count];
    break;
  }
  close(viewer->fd);
  free(viewer->rest);
  free(viewer);
}

static void accept_viewers(int listener, int poll) {
  for (;;) {
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (viewer_count == MAX_VIEWERS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct viewer *viewer = calloc(1, sizeof *viewer);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = viewer};
    viewer->fd = fd;
    viewers[viewer_count++] = viewer;
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  }
}

int send_due(struct viewer *viewer, uint64_t horizon_us) {
  if (viewer->rest != NULL && tcp_send_rest(viewer) < 0) return -1;
  while (viewer->rest == NULL && viewer->next_unit < list.header->units) {
    const struct unit *unit = &list.units[viewer->next_unit];
    if (viewer->start_us + unit->due_us >= horizon_us) return 0;
    if (!viewer->tcp)
      udp_send_unit(viewer, unit);
    else if (tcp_send_unit(viewer, unit) < 0)
      return -1;
    viewer->next_unit++;
  }
  return 0;
}

static void tick(uint64_t window_us) {
  uint64_t horizon_us = (now_us() / window_us + 1) * window_us;
  for (uint32_t i = viewer_count; i-- > 0;) {
    if (viewers[i]->playing && send_due(viewers[i], horizon_us) < 0) viewers[i]->playing = 0;
  }
  udp_flush();
}

static int listen_on(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0) fail("listen");
  return fd;
}

static int start_ticking(uint64_t window_us) {
  uint64_t first_us = (now_us() / window_us + 1) * window_us;
  struct itimerspec when = {.it_interval.tv_nsec = (long)window_us * 1000,
                            .it_value.tv_sec = (time_t)(first_us / 1000000),
                            .it_value.tv_nsec = (long)(first_us % 1000000) * 1000};
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) fail("timer");
  return fd;
}

static void read_sdp(const char *path, char *sdp) {
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  sdp[fread(sdp, 1, SDP_BYTES - 1, file)] = 0;
  fclose(file);
}

static void report(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu_us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  printf(
      "{\"packets\":%llu,\"bytes\":%llu,\"systemCalls\":%llu,\"lost\":%llu,\"cpuUs\":%.0f,\"cpuUsPerPacket\":%.4f}\n",
      (unsigned long long)counters.packets, (unsigned long long)counters.bytes,
      (unsigned long long)counters.system_calls, (unsigned long long)counters.lost, cpu_us,
      counters.packets ? cpu_us / (double)counters.packets : 0);
}

static void run(int poll, int listener, int timer, const char *sdp, uint64_t window_us) {
  struct epoll_event events[MAX_EVENTS];
  while (!stopping) {
    int count = epoll_wait(poll, events, MAX_EVENTS, -1);
    int is_due = 0;
    for (int i = 0; i < count; i++) {
      void *who = events[i].data.ptr;
      uint64_t expirations;
      if (who == &listener_tag)
        accept_viewers(listener, poll);
      else if (who == &timer_tag)
        is_due = read(timer, &expirations, sizeof expirations) > 0;
      else if (serve_request(who, sdp) < 0)
        close_viewer(who);
    }
    if (is_due) tick(window_us);
  }
}

int main(int argc, char **argv) {
  static char sdp[SDP_BYTES];
  if (argc > 1 && strcmp(argv[1], "--sprint") == 0) return sprint(argc - 2, argv + 2);
  if (argc < 4) {
    fprintf(stderr, "usage: floor PORT LIST SDP [WINDOW_US]\n");
    return 2;
  }
  uint64_t window_us = argc > 4 ? strtoull(argv[4], NULL, 10) : DEFAULT_WINDOW_US;
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  signal(SIGPIPE, SIG_IGN);
  map_list(argv[2]);
  read_sdp(argv[3], sdp);
  if (open_udp_pair() < 0) fail("UDP ports");
  int listener = listen_on((uint16_t)atoi(argv[1]));
  int timer = start_ticking(window_us);
  int poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener_tag};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  event.data.ptr = &timer_tag;
  epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event);
  printf("ready\n");
  fflush(stdout);
  run(poll, listener, timer, sdp, window_us);
  report();
  return 0;
}
