/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-channel: src/net/scope-channel and scope-waker against the kernel, on two TUN interfaces in a network namespace of
 * their own: what one of them sends, the test hands to the other, or something else.
 */
#include "config.h"

#include "common/scope-error.h"
#include "crypto/scope-link-address.h"
#include "net/scope-channel.h"
#include "net/scope-waker.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-rtnl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP 40 /* where its header is */
#define BODY 48

typedef struct {
  ScopeKey key;
  ScopePrefix address;
  int fd;
  ScopeChannel *channel;
  GString *heard;
} End;

typedef struct {
  End a, b;
} Pair;

static gboolean have_netns;

static void
on_message (const ScopeKey *from, const char *type, JsonObject *message, const char *text, gsize len, gpointer data)
{
  End *end = data;

  g_assert_cmpuint (strlen (text), ==, len);
  g_string_append_printf (end->heard, "%d %s %" G_GINT64_FORMAT ";", from->bytes[0], type,
                          json_object_get_int_member_with_default (message, "n", -1));
}

static void
end_open (End *end, const char *ifname, guint8 first)
{
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  g_autoptr (GError) error = NULL;
  ScopePrefix address;
  int ifindex;

  memset (end->key.bytes, first, SCOPE_KEY_LEN);
  scope_link_address (&end->key, &end->address);
  end->fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  g_strlcpy (request.ifr_name, ifname, sizeof request.ifr_name);
  g_assert_cmpint (end->fd, >=, 0);
  g_assert_cmpint (ioctl (end->fd, TUNSETIFF, &request), ==, 0);
  ifindex = scope_link_index (ifname);
  address = end->address;
  address.len = SCOPE_LINK_ADDRESS_LEN;
  g_assert_true (scope_rtnl_no_link_local (ifindex, &error));
  g_assert_true (scope_rtnl_link_up (ifindex, 9000, &error));
  g_assert_true (scope_rtnl_address_add (ifindex, &address, &error));
  end->heard = g_string_new (NULL);
  end->channel = scope_channel_new (ifname, &end->key, on_message, end, &error);
  g_assert_no_error (error);
}

static void
end_close (End *end)
{
  if (!end->heard)
    return;
  g_clear_pointer (&end->channel, scope_channel_free);
  g_string_free (end->heard, TRUE);
  close (end->fd);
}

static void
pair_open (Pair *pair, gconstpointer data)
{
  if (!have_netns)
    return;
  end_open (&pair->a, "tuna", 1);
  end_open (&pair->b, "tunb", 2);
  scope_channel_set_peers (pair->a.channel, &pair->b.key, 1);
  scope_channel_set_peers (pair->b.channel, &pair->a.key, 1);
}

static void
pair_close (Pair *pair, gconstpointer data)
{
  end_close (&pair->a);
  end_close (&pair->b);
}

#define NEEDS_NETNS() \
  if (!have_netns) \
    { \
      g_test_skip ("no network namespace with TUN"); \
      return; \
    }

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* What went into the interface, router solicitations aside; 0 when nothing did. */
static gsize
take (End *end, guint8 *packet, gsize size)
{
  struct pollfd poll_fd = { .fd = end->fd, .events = POLLIN };

  while (poll (&poll_fd, 1, 20) > 0)
    {
      ssize_t n = read (end->fd, packet, size);

      g_assert_cmpint (n, >, 40);
      if (packet[24] != 0xff)
        return n;
    }
  return 0;
}

static void
give (End *end, const guint8 *packet, gsize n, const char *heard)
{
  g_assert_cmpint (write (end->fd, packet, n), ==, (ssize_t) n);
  iterate ();
  g_assert_cmpstr (end->heard->str, ==, heard);
  g_string_truncate (end->heard, 0);
}

static gsize
message (Pair *pair, guint8 *packet, gsize size, const char *text)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  g_assert_true (scope_channel_send (pair->a.channel, &pair->b.key, text, strlen (text), &error));
  g_assert_no_error (error);
  n = take (&pair->a, packet, size);
  g_assert_cmpuint (n, ==, BODY + strlen (text));
  return n;
}

/* Over what the length says. */
static void
fix_sum (guint8 *packet, gsize n)
{
  gsize len = MIN (n - UDP, (gsize) (packet[UDP + 4] << 8 | packet[UDP + 5]));
  guint32 sum = len + IPPROTO_UDP;

  packet[UDP + 6] = packet[UDP + 7] = 0;
  for (gsize i = 8; i < UDP + len; i++)
    sum += i % 2 ? packet[i] : packet[i] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  sum = ~sum & 0xffff;
  packet[UDP + 6] = sum >> 8;
  packet[UDP + 7] = sum;
}

static void
test_message (Pair *pair, gconstpointer data)
{
  guint8 packet[9000];
  gsize n;

  NEEDS_NETNS ();
  n = message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}}");
  g_assert_cmpmem (packet + 8, 16, pair->a.address.addr, 16);
  g_assert_cmpmem (packet + 24, 16, pair->b.address.addr, 16);
  g_assert_cmpuint (packet[UDP] << 8 | packet[UDP + 1], ==, SCOPE_CHANNEL_PORT);
  give (&pair->b, packet, n, "1 echo 7;");
  give (&pair->b, packet, n, "1 echo 7;");
  /* An odd length has a sum, too. */
  n = message (pair, packet, sizeof packet, "{\"t\":\"path.x\",\"d\":{\"n\":12}}");
  give (&pair->b, packet, n, "1 path.x 12;");
  n = message (pair, packet, sizeof packet, "{\"t\":\"path.x\",\"d\":{\"n\":123}}");
  give (&pair->b, packet, n, "1 path.x 123;");
  /* The kernel has not answered any of them. */
  g_assert_cmpuint (take (&pair->b, packet, sizeof packet), ==, 0);
  /* Nor those that we know nothing of. */
  scope_channel_set_peers (pair->b.channel, NULL, 0);
  n = message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}}");
  give (&pair->b, packet, n, "");
  g_assert_cmpuint (take (&pair->b, packet, sizeof packet), ==, 0);
}

static void
test_wrong_packets (Pair *pair, gconstpointer data)
{
  static const struct {
    guint at;
    guint8 flip;
    gboolean fix; /* the sum: else that is what is wrong */
    const char *heard;
  } cases[] = {
    { BODY, 0, TRUE, "1 echo 7;" },
    { BODY + 2, 1, FALSE, "" },
    { UDP + 6, 0x10, FALSE, "" },
    { 23, 1, TRUE, "" },      /* from another address */
    { 39, 1, TRUE, "" },      /* to another one */
    { 24, 1, TRUE, "" },
    { UDP + 1, 1, TRUE, "" }, /* from another port */
    { UDP + 3, 1, TRUE, "" },
    { UDP + 5, 1, TRUE, "" }, /* of another length */
    { UDP + 4, 0x80, TRUE, "" },
    { UDP + 5, 0x1f, TRUE, "" },
    { 6, IPPROTO_UDP ^ IPPROTO_TCP, TRUE, "" },
    { BODY, 1, TRUE, "" },    /* not JSON */
  };
  guint8 packet[9000];
  gsize n;

  NEEDS_NETNS ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      n = message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}}");
      packet[cases[i].at] ^= cases[i].flip;
      if (cases[i].fix)
        fix_sum (packet, n);
      g_test_message ("case %u", i);
      give (&pair->b, packet, n, cases[i].heard);
    }
  /* Of another length than IPv6 says, and right otherwise. */
  n = message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}} ");
  packet[UDP + 5]--;
  fix_sum (packet, n);
  give (&pair->b, packet, n, "");
  /* No sum at all, as IPv4 allows. */
  n = message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}}");
  packet[UDP + 6] = packet[UDP + 7] = 0;
  give (&pair->b, packet, n, "");
  for (gsize length = 1; length < BODY; length++)
    give (&pair->b, packet, length, "");
}

static void
test_wrong_frames (Pair *pair, gconstpointer data)
{
  static const char *const frames[] = {
    "{}",
    "[]",
    "{\"t\":\"echo\"}",
    "{\"t\":\"echo\",\"d\":[]}",
    "{\"t\":\"echo\",\"d\":null}",
    "{\"t\":7,\"d\":{\"n\":7}}",
    "{\"t\":\"echo\",\"d\":{\"n\":7},\"t\":\"probe\"}",
    "{\"t\":\"echo\",\"d\":{\"n\":7}} ,",
    "{\"t\":\"12345678901234567890123456789012345678901234567890123456789012345\",\"d\":{\"n\":7}}",
  };
  guint8 packet[9000];

  NEEDS_NETNS ();
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      gsize n = message (pair, packet, sizeof packet, frames[i]);
      give (&pair->b, packet, n, "");
    }
}

static void
test_sizes (Pair *pair, gconstpointer data)
{
  static const struct {
    const char *type;
    guint size;
    const char *heard;
  } cases[] = {
    { "path.1", SCOPE_CHANNEL_MAX, "1 path.1 1;" },
    { "path.2", SCOPE_CHANNEL_MAX + 1, "" },
    { "probe", SCOPE_CHANNEL_MAX + 1, "1 probe 1;" },
    { "probe", 9000 - BODY, "1 probe 1;" },
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *large = g_malloc0 (70000);
  guint8 packet[9000];

  NEEDS_NETNS ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      g_string_printf (text, "{\"t\":\"%s\",\"d\":{\"n\":1,\"pad\":\"", cases[i].type);
      while (text->len < cases[i].size - 3)
        g_string_append_c (text, 'x');
      g_string_append (text, "\"}}");
      give (&pair->b, packet, message (pair, packet, sizeof packet, text->str), cases[i].heard);
    }
  /* No fragments. */
  g_assert_false (scope_channel_send (pair->a.channel, &pair->b.key, large, 9000 - BODY + 1, &error));
  g_assert_true (scope_err_invalid (error));
  g_clear_error (&error);
  g_assert_false (scope_channel_send (pair->a.channel, &pair->b.key, large, 70000, &error));
  g_assert_true (scope_err_invalid (error));
}

static void
test_taken (Pair *pair, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  NEEDS_NETNS ();
  g_assert_null (scope_channel_new ("nobody", &pair->a.key, on_message, NULL, &error));
  g_assert_true (scope_err_gone (error));
  g_clear_error (&error);
  g_assert_null (scope_channel_new ("tuna", &pair->a.key, on_message, NULL, &error));
  g_assert_true (scope_err_taken (error));
  g_clear_error (&error);
  /* Without its address. */
  g_assert_null (scope_channel_new ("tuna", &pair->b.key, on_message, NULL, &error));
  g_assert_true (scope_err_gone (error));
}

/* --- scope-waker --- */

static void
on_wake (const GArray *sent, gpointer data)
{
  GString *woken = data;
  g_autofree char *list = scope_prefix_format_list (sent);

  g_string_append_printf (woken, "[%s]", list);
}

static void
expect_woken (GString *woken, const char *what)
{
  iterate ();
  g_assert_cmpstr (woken->str, ==, what);
  g_string_truncate (woken, 0);
}

static void
send_to (const ScopePrefix *address, const char *ifname, guint16 port)
{
  struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons (port), .sin6_scope_id = scope_link_index (ifname) };
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  memcpy (&to.sin6_addr, address->addr, 16);
  g_assert_cmpint (sendto (fd, "x", 1, 0, (struct sockaddr *) &to, sizeof to), ==, 1);
  close (fd);
}

static void
test_waker (Pair *pair, gconstpointer data)
{
  g_autoptr (GString) woken = g_string_new (NULL), list = g_string_new (NULL);
  g_autoptr (ScopeWaker) waker = scope_waker_new ("tuna", on_wake, woken);
  g_autoptr (ScopeWaker) nowhere = scope_waker_new ("nobody", on_wake, woken);
  g_autoptr (GError) error = NULL;
  char text[SCOPE_PREFIX_STRLEN];
  ScopePrefix many, own, other;
  guint8 ip4[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1 };
  guint8 packet[9000];
  gsize n;

  NEEDS_NETNS ();
  g_assert_false (scope_waker_arm (nowhere, &error));
  g_assert_true (scope_err_gone (error));
  g_clear_error (&error);
  g_assert_true (scope_prefix_parse (&many, "ff02::1"));
  g_assert_true (scope_prefix_parse (&own, "fd99::1/64"));
  g_assert_true (scope_prefix_parse (&other, "fd99::2"));
  g_assert_true (scope_rtnl_address_add (scope_link_index ("tuna"), &own, &error));
  /* Not armed. */
  send_to (&other, "tuna", 9);
  expect_woken (woken, "");
  take (&pair->a, packet, sizeof packet);
  g_assert_true (scope_waker_arm (waker, &error));
  g_assert_true (scope_waker_arm (waker, &error));
  expect_woken (woken, "");
  /* Neither link messages, either way, nor what goes to many. */
  message (pair, packet, sizeof packet, "{\"t\":\"echo\",\"d\":{\"n\":7}}");
  expect_woken (woken, "");
  g_assert_true (scope_channel_send (pair->b.channel, &pair->a.key, "{\"t\":\"echo\",\"d\":{\"n\":7}}", 24, &error));
  n = take (&pair->b, packet, sizeof packet);
  give (&pair->a, packet, n, "2 echo 7;");
  send_to (&many, "tuna", 9);
  send_to (&pair->b.address, "tuna", 9);
  expect_woken (woken, "");
  ip4[16] = 224;
  give (&pair->a, ip4, sizeof ip4, "");
  expect_woken (woken, "");
  /* What is sent, to whom; once. */
  send_to (&other, "tuna", 9);
  send_to (&other, "tuna", 9);
  scope_prefix_format (&other, text);
  g_string_printf (list, "[%s,%s]", text, text);
  expect_woken (woken, list->str);
  send_to (&other, "tuna", 9);
  expect_woken (woken, "");
  /* What comes. */
  g_assert_true (scope_waker_arm (waker, &error));
  ip4[16] = 10;
  give (&pair->a, ip4, sizeof ip4, "");
  expect_woken (woken, "[]");
  g_assert_true (scope_waker_arm (waker, &error));
  memcpy (packet + 24, own.addr, 16);
  give (&pair->a, packet, n, "");
  expect_woken (woken, "[]");
  /* No longer. */
  g_assert_true (scope_waker_arm (waker, &error));
  scope_waker_disarm (waker);
  give (&pair->a, packet, n, "");
  expect_woken (woken, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  have_netns = (unshare (CLONE_NEWNET) == 0 || unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0) &&
               access ("/dev/net/tun", R_OK | W_OK) == 0;
#define ADD(path, func) g_test_add (path, Pair, NULL, pair_open, func, pair_close)
  ADD ("/channel/message", test_message);
  ADD ("/channel/wrong-packets", test_wrong_packets);
  ADD ("/channel/wrong-frames", test_wrong_frames);
  ADD ("/channel/sizes", test_sizes);
  ADD ("/channel/taken", test_taken);
  ADD ("/waker/wakes", test_waker);
  return g_test_run ();
}
