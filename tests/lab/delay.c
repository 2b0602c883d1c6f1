/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copyright (C) 2026 The NetworkManager-scope authors
 *
 * This program is free software: you can redistribute it and/or modify it under the terms
 * of the GNU General Public License as published by the Free Software Foundation, either
 * version 3 of the License, or (at your option) any later version.
 *
 * This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY;
 * without even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.
 * See the GNU General Public License for more details.
 *
 * You should have received a copy of the GNU General Public License along with this
 * program. If not, see <https://www.gnu.org/licenses/>.
 */

/*
 * delay IF1 IF2 MICROSECONDS [LOSS_PERCENT [SEED]]
 *
 * A cable with a length, for kernels without netem: carries Ethernet frames between two
 * interfaces, each way MICROSECONDS late, and loses LOSS_PERCENT of them. Says "ready" on
 * its standard output when it does. A line "MICROSECONDS [LOSS_PERCENT]" on its standard input
 * changes that from the next frame on; frames never overtake each other. With PACKET_VNET_HDR (packet(7)) frames keep their unfinished checksums and segmentation, so
 * that TCP is as fast as over a plain cable.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define FRAME_MAX (128 * 1024)         /* virtio header and 64 KiB of segments */
#define QUEUE_FRAMES 16384             /* a power of two */
#define QUEUE_BYTES (64 * 1024 * 1024) /* each way; beyond, frames are lost */
#define BURST 64                       /* frames read before due ones are written */

struct frame {
    uint64_t due; /* ns */
    size_t length;
    uint8_t *data;
};

/* One way of the cable. Frames leave in the order they came, also when the delay has become shorter. */
struct way {
    int in, out;
    unsigned head, count;
    size_t bytes;
    struct frame queue[QUEUE_FRAMES];
};

static uint64_t delay_ns;
static uint64_t loss; /* of 2^32 */
static uint64_t seed;
static struct way ways[2];

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* Knuth's MMIX generator; the upper half is the good one. */
static int
lost(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 32) < loss;
}

static int
open_interface(const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(name),
    };
    const int on = 1, space = 16 * 1024 * 1024;
    int fd;

    if (address.sll_ifindex == 0)
        err(1, "%s", name);
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        err(1, "packet socket");
    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
        err(1, "PACKET_VNET_HDR");
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0)
        err(1, "PACKET_IGNORE_OUTGOING");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space) < 0
        || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof space) < 0)
        warn("socket buffers"); /* only slower */
    if (bind(fd, (struct sockaddr *) &address, sizeof address) < 0)
        err(1, "bind to %s", name);
    return fd;
}

/* Takes in what has arrived, up to a burst. */
static void
receive(struct way *way)
{
    static uint8_t buffer[FRAME_MAX];

    for (int i = 0; i < BURST; i++) {
        ssize_t length = recv(way->in, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
        struct frame *frame;

        if (length < 0 && errno == EINVAL)
            continue; /* segmentation that the virtio header cannot express: a lost frame */
        if (length < 0)
            return; /* EAGAIN; ENETDOWN once when the interface goes down */
        if (length > (ssize_t) sizeof buffer || lost())
            continue;
        if (way->count == QUEUE_FRAMES || way->bytes + length > QUEUE_BYTES)
            continue;
        frame = &way->queue[(way->head + way->count) % QUEUE_FRAMES];
        frame->data = malloc(length);
        if (!frame->data)
            continue;
        memcpy(frame->data, buffer, length);
        frame->length = length;
        frame->due = now() + delay_ns;
        way->count++;
        way->bytes += length;
    }
}

/* Sends what is due; returns when the next frame will be, UINT64_MAX for none. */
static uint64_t
transmit(struct way *way)
{
    while (way->count > 0) {
        struct frame *frame = &way->queue[way->head];

        if (frame->due > now())
            return frame->due;
        /* an interface that is down or full loses frames, as a cable does */
        if (send(way->out, frame->data, frame->length, MSG_DONTWAIT) < 0 && errno == EBADF)
            err(1, "send");
        free(frame->data);
        way->head = (way->head + 1) % QUEUE_FRAMES;
        way->count--;
        way->bytes -= frame->length;
    }
    return UINT64_MAX;
}

static uint64_t
parse_loss(const char *percent)
{
    return strtod(percent, NULL) / 100 * 4294967296.0;
}

/* Reads what the cable is to be like from now on; returns 0 when there will be no more of it. */
static int
command(void)
{
    char line[100], *rest;
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);

    if (length <= 0)
        return 0;
    line[length] = 0;
    delay_ns = strtoull(line, &rest, 10) * 1000;
    if (*rest == ' ')
        loss = parse_loss(rest);
    return 1;
}

int
main(int argc, char **argv)
{
    struct pollfd polls[3];

    if (argc < 4 || argc > 6)
        errx(2, "usage: delay IF1 IF2 MICROSECONDS [LOSS_PERCENT [SEED]]");
    delay_ns = strtoull(argv[3], NULL, 10) * 1000;
    loss = argc > 4 ? parse_loss(argv[4]) : 0;
    seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;

    ways[0].in = ways[1].out = open_interface(argv[1]);
    ways[1].in = ways[0].out = open_interface(argv[2]);
    for (int i = 0; i < 2; i++)
        polls[i] = (struct pollfd){ .fd = ways[i].in, .events = POLLIN };
    polls[2] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    prctl(PR_SET_TIMERSLACK, 1UL);
    puts("ready");
    fflush(stdout);

    for (;;) {
        uint64_t next = UINT64_MAX;
        struct timespec wait, *timeout = NULL;

        for (int i = 0; i < 2; i++) {
            uint64_t due = transmit(&ways[i]);

            if (due < next)
                next = due;
        }
        if (next != UINT64_MAX) {
            uint64_t time = now();
            uint64_t left = next > time ? next - time : 0;

            wait.tv_sec = left / 1000000000;
            wait.tv_nsec = left % 1000000000;
            timeout = &wait;
        }
        if (ppoll(polls, 3, timeout, NULL) < 0 && errno != EINTR)
            err(1, "ppoll");
        for (int i = 0; i < 2; i++)
            if (polls[i].revents)
                receive(&ways[i]);
        if (polls[2].revents && !command())
            polls[2].fd = -1;
    }
}
