/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ws-load: holds N WebSockets to 127.0.0.1:PORT/messages and measures fan-out: reads a line with a
 * request path from its input, POSTs it, and writes for each how long after it every socket heard,
 * "p50 p99 max" in µs. One process, epoll.
 *
 *     ws-load PORT N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char upgrade[] = "GET /messages HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static double
now_usec (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int
dial (int port)
{
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr = { htonl (INADDR_LOOPBACK) } };
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  if (fd < 0 || connect (fd, (struct sockaddr *) &a, sizeof a) < 0)
    {
      perror ("connect");
      exit (1);
    }
  return fd;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

int
main (int argc, char **argv)
{
  int port = argc == 3 ? atoi (argv[1]) : 0, n = argc == 3 ? atoi (argv[2]) : 0;
  struct rlimit files;
  int epoll = epoll_create1 (0);
  double *heard;
  char line[512], buffer[4096];

  if (port <= 0 || n <= 0)
    {
      fprintf (stderr, "ws-load PORT N\n");
      return 2;
    }
  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  heard = calloc (n, sizeof *heard);

  for (int i = 0; i < n; i++)
    {
      struct epoll_event event = { .events = EPOLLIN };
      int fd = dial (port);
      ssize_t got;

      if (write (fd, upgrade, sizeof upgrade - 1) < 0 || (got = read (fd, buffer, sizeof buffer)) < 12 ||
          memcmp (buffer, "HTTP/1.1 101", 12) != 0)
        {
          fprintf (stderr, "socket %d: no upgrade\n", i);
          return 1;
        }
      event.data.fd = fd;
      epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event);
    }
  printf ("ready\n");
  fflush (stdout);

  while (fgets (line, sizeof line, stdin))
    {
      int post = dial (port), len, count = 0;
      double began;

      line[strcspn (line, "\n")] = '\0';
      len = snprintf (buffer, sizeof buffer, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", line);
      began = now_usec ();
      if (write (post, buffer, len) != len)
        return 1;
      while (count < n && now_usec () - began < 10e6)
        {
          struct epoll_event events[512];
          int k = epoll_wait (epoll, events, 512, 1000);
          double at = now_usec ();

          for (int i = 0; i < k; i++)
            if (read (events[i].data.fd, buffer, sizeof buffer) > 2 && (buffer[0] & 0xf) == 1)
              heard[count++] = at - began;
        }
      close (post);
      if (count < n)
        {
          fprintf (stderr, "%d of %d heard\n", count, n);
          return 1;
        }
      qsort (heard, n, sizeof *heard, compare);
      printf ("%.0f %.0f %.0f\n", heard[n / 2], heard[(int) (n * 0.99)], heard[n - 1]);
      fflush (stdout);
    }
  return 0;
}
