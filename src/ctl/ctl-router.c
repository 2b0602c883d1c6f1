/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-router.h"

#include <net/route.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAT_PMP_PORT 5351
#define NAT_PMP_MS 250
#define NAT_PMP_TRIES 2 /* the second waits twice as long */
#define SSDP_PORT 1900
#define SSDP_MS 1000

static const char search[] = "M-SEARCH * HTTP/1.1\r\n"
                             "HOST: 239.255.255.250:1900\r\n"
                             "MAN: \"ssdp:discover\"\r\n"
                             "MX: 1\r\n"
                             "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:%d\r\n\r\n";

/* Of the best default route; network byte order. */
static gboolean
read_gateway (struct in_addr *gateway)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint best = G_MAXUINT;

  if (!g_file_get_contents ("/proc/net/route", &text, NULL, NULL))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    {
      guint destination, address, flags, metric, mask;

      if (sscanf (*line, "%*s %x %x %x %*d %*d %u %x", &destination, &address, &flags, &metric, &mask) != 5 || destination ||
          mask || !(flags & RTF_GATEWAY) || metric >= best)
        continue;
      best = metric;
      gateway->s_addr = address;
    }
  return best != G_MAXUINT;
}

static gssize
receive (int fd, void *buffer, gsize size, int ms)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return poll (&poll_fd, 1, ms) > 0 ? recv (fd, buffer, size, MSG_DONTWAIT) : 0;
}

CtlAnswer
ctl_router_nat_pmp (void)
{
  const guint8 question[] = { 0, 0 }; /* version, "your outer address?" */
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (NAT_PMP_PORT) };
  CtlAnswer answer = CTL_NO;
  int fd;

  if (!read_gateway (&to.sin_addr))
    return CTL_UNKNOWN;
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0)
    answer = CTL_UNKNOWN;
  for (guint i = 0; answer == CTL_NO && i < NAT_PMP_TRIES; i++)
    {
      guint8 said[64];
      gssize len = send (fd, question, sizeof question, 0) < 0 ? -1 : receive (fd, said, sizeof said, NAT_PMP_MS << i);

      if (len < 0) /* nobody listens there */
        break;
      if (len >= 12 && said[0] == 0 && said[1] == 128 && said[2] == 0 && said[3] == 0)
        answer = CTL_YES;
    }
  if (fd >= 0)
    close (fd);
  return answer;
}

CtlAnswer
ctl_router_upnp (void)
{
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (SSDP_PORT) };
  gint64 end = g_get_monotonic_time () + SSDP_MS * 1000, rest;
  CtlAnswer answer = CTL_UNKNOWN;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  to.sin_addr.s_addr = g_htonl (0xeffffffa);
  for (int version = 1; fd >= 0 && version <= 2; version++)
    {
      g_autofree char *text = g_strdup_printf (search, version);
      if (sendto (fd, text, strlen (text), 0, (struct sockaddr *) &to, sizeof to) > 0)
        answer = CTL_NO;
    }
  while (answer == CTL_NO && (rest = end - g_get_monotonic_time ()) > 0)
    {
      char said[2048];
      gssize len = receive (fd, said, sizeof said - 1, (rest + 999) / 1000);

      said[MAX (len, 0)] = '\0';
      if (g_str_has_prefix (said, "HTTP/1.1 200") && strstr (said, "InternetGatewayDevice"))
        answer = CTL_YES;
    }
  if (fd >= 0)
    close (fd);
  return answer;
}
