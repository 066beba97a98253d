#!/usr/bin/python3
"""Joins two TUN devices by a bad network: the IP packets of either reach the other, but for those that are lost, late and
out of order, as behind netem. Run by test/support/tun-link.ts.

Usage: tun-link.py DEVICE DEVICE FAULTS
FAULTS is JSON: loss and reordering (shares, 0..1), delayMs, jitterMs, limitPackets (each way), seed.
Makes the devices and prints "ready"; then answers each line that it reads with a line of JSON: for each device what came
out of it. Ends with its input, so it does not outlive who started it, and the devices end with it.
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

# linux/if_tun.h
TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000
TUN_F_CSUM = 0x01

STDIN = 0
MAX_FRAME_BYTES = 65_536
# Read of one device before what is due is sent on.
MAX_READS = 64


def open_device(name):
    """With checksums left to the device, which kernels before 6.11 ask of one that UDP_SEGMENT may be used on. The header in
    front of each packet says where a checksum is missing; it goes to the other device as it came. No other offload: so what
    comes out is cut to the MTU already."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(descriptor, TUNSETOFFLOAD, TUN_F_CSUM)
    return descriptor


class Way:
    """One direction: what comes out of `source` goes into `target`."""

    def __init__(self, source, target, faults, seed):
        self.source = source
        self.target = target
        self.faults = faults
        self.random = random.Random(seed)
        self.waiting = []  # a heap of (due time, number, frame)
        self.number = 0
        self.counts = {"passed": 0, "lost": 0, "reordered": 0}

    def due_s(self):
        return self.waiting[0][0] if self.waiting else None

    def take(self, now_s):
        for _ in range(MAX_READS):
            try:
                frame = os.read(self.source, MAX_FRAME_BYTES)
            except BlockingIOError:
                return
            self.enqueue(frame, now_s)

    # The draws are made for every packet, so that the fate of one does not depend on that of others.
    def enqueue(self, frame, now_s):
        faults = self.faults
        is_lost = self.random.random() < faults["loss"]
        is_reordered = self.random.random() < faults["reordering"]
        delay_ms = faults["delayMs"] + self.random.uniform(-1, 1) * faults["jitterMs"]
        if is_lost or len(self.waiting) >= faults["limitPackets"]:
            self.counts["lost"] += 1
            return
        if is_reordered:
            self.counts["reordered"] += 1
            delay_ms = 0
        heapq.heappush(self.waiting, (now_s + delay_ms / 1000, self.number, frame))
        self.number += 1

    def give(self, now_s):
        while self.waiting and self.waiting[0][0] <= now_s:
            frame = heapq.heappop(self.waiting)[2]
            try:
                os.write(self.target, frame)
                self.counts["passed"] += 1
            except OSError:  # the device is not up, or has no room
                self.counts["lost"] += 1


def main(first_name, second_name, faults):
    first, second = open_device(first_name), open_device(second_name)
    seed = faults["seed"]
    ways = [Way(first, second, faults, seed), Way(second, first, faults, seed + 1)]
    print("ready", flush=True)
    while True:
        due = [way.due_s() for way in ways if way.waiting]
        timeout_s = max(0, min(due) - time.monotonic()) if due else None
        readable = select.select([STDIN, first, second], [], [], timeout_s)[0]
        for way in ways:
            if way.source in readable:
                way.take(time.monotonic())
            way.give(time.monotonic())
        if STDIN in readable:
            asked = os.read(STDIN, MAX_FRAME_BYTES)
            if not asked:
                return
            for _ in range(asked.count(b"\n")):
                print(json.dumps([way.counts for way in ways]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
