/* The packet list, mapped. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "floor.h"

struct packet_list list;

void map_list(const char *path) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) < 0) {
    perror(path);
    exit(1);
  }
  const uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
  list.header = (const struct header *)bytes;
  if (bytes == MAP_FAILED || list.header->magic != 0x54534c46 || list.header->tracks > MAX_TRACKS) {
    fprintf(stderr, "%s: not a packet list\n", path);
    exit(1);
  }
  list.units = (const struct unit *)(bytes + list.header->units_offset);
  list.packets = (const struct packet *)(bytes + list.header->packets_offset);
  list.payload = bytes + list.header->payload_offset;
}
