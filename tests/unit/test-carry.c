/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said on a WebSocket that carries packets, and where the registry would send them. Nothing is sent here. */
#include "common/scope-error.h"
#include "registry/registry-carry-target.h"
#include "wire/scope-carry.h"

#include <string.h>

#define KEY "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TICKET "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
test_messages (void)
{
  static const char *const good[] = {
    "{\"t\":\"ticket\",\"d\":{\"ticket\":\"" TICKET "\"}}",
    "{\"t\":\"ready\",\"d\":{\"links\":16}}",
    "{\"t\":\"open\",\"d\":{\"id\":0,\"key\":\"" KEY "\"}}",
    "{\"t\":\"opened\",\"d\":{\"id\":65535}}",
    "{\"t\":\"close\",\"d\":{\"id\":7}}",
    "{\"t\":\"closed\",\"d\":{\"id\":7,\"code\":\"idle\"}}",
  };
  static const char *const wrong[][2] = {
    { "", "" },
    { "[]", "" },
    { "{}", "message.t" },
    { "{\"t\":\"open\"}", "message.d" },
    { "{\"t\":\"open\",\"d\":{\"id\":1}}", "open.key" },
    { "{\"t\":\"open\",\"d\":{\"id\":65536,\"key\":\"" KEY "\"}}", "open.id" },
    { "{\"t\":\"open\",\"d\":{\"id\":-1,\"key\":\"" KEY "\"}}", "open.id" },
    { "{\"t\":\"open\",\"d\":{\"id\":1,\"id\":1,\"key\":\"" KEY "\"}}", "" },
    { "{\"t\":\"ticket\",\"d\":{\"ticket\":\"AQ\"}}", "ticket.ticket" },
    { "{\"t\":\"ready\",\"d\":{\"links\":0}}", "ready.links" },
    { "{\"t\":\"closed\",\"d\":{\"id\":7}}", "closed.code" },
    { "{\"t\":\"closed\",\"d\":{\"id\":7,\"code\":\"ääääääääääääääääääääääääääääääää\"}}", "closed.code" },
  };
  ScopeCarryMessage message;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *again = NULL;

      scope_carry_parse (&message, good[i], strlen (good[i]), &error);
      g_assert_no_error (error);
      again = scope_carry_format (&message);
      g_assert_cmpstr (again, ==, good[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (scope_carry_parse (&message, wrong[i][0], strlen (wrong[i][0]), &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      if (!strstr (error->message, wrong[i][1]))
        g_error ("%s: %s", wrong[i][0], error->message);
    }
  g_assert_true (scope_carry_parse (&message, "{\"t\":\"new\"}", 11, NULL));
  g_assert_cmpint (message.type, ==, SCOPE_CARRY_UNKNOWN);
}

static gboolean
is_wireguard (guint8 type, guint8 reserved, gsize len)
{
  guint8 packet[4096] = { type, 0, reserved };

  return scope_carry_is_wireguard (packet, len);
}

static void
test_wireguard (void)
{
  g_assert_true (is_wireguard (1, 0, 148));
  g_assert_true (is_wireguard (2, 0, 92));
  g_assert_true (is_wireguard (3, 0, 64));
  g_assert_true (is_wireguard (4, 0, 32));
  g_assert_true (is_wireguard (4, 0, 1452));
  g_assert_true (is_wireguard (4, 0, 2048));
  g_assert_false (is_wireguard (4, 0, 2049));
  g_assert_false (is_wireguard (4, 0, 31));
  g_assert_false (is_wireguard (4, 0, 0));
  g_assert_false (is_wireguard (4, 1, 32));
  g_assert_false (is_wireguard (1, 0, 149));
  g_assert_false (is_wireguard (2, 0, 148));
  g_assert_false (is_wireguard (3, 0, 32));
  g_assert_false (is_wireguard (0, 0, 148));
  g_assert_false (is_wireguard (5, 0, 148));
}

static void
test_packets (void)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint8 first[148] = { 1 }, second[2048] = { 4, 0, 0, 0, 9 };
  ScopeCarryReader reader;
  const guint8 *packet;
  guint16 id;
  gsize len;

  scope_carry_append (message, 0x1234, first, sizeof first);
  scope_carry_append (message, 0, second, sizeof second);
  g_assert_cmpuint (message->len, ==, sizeof first + sizeof second + 2 * SCOPE_CARRY_HEAD);
  reader = (ScopeCarryReader) { message->data, message->len };
  g_assert_true (scope_carry_next (&reader, &id, &packet, &len, &error));
  g_assert_cmpuint (id, ==, 0x1234);
  g_assert_cmpmem (packet, len, first, sizeof first);
  g_assert_true (scope_carry_next (&reader, &id, &packet, &len, &error));
  g_assert_cmpuint (id, ==, 0);
  g_assert_cmpmem (packet, len, second, sizeof second);
  g_assert_false (scope_carry_next (&reader, &id, &packet, &len, &error));
  g_assert_no_error (error);

  /* Cut anywhere, it is wrong, but between two. */
  for (gsize cut = 1; cut < message->len; cut++)
    {
      g_autoptr (GError) why = NULL;

      reader = (ScopeCarryReader) { message->data, cut };
      while (scope_carry_next (&reader, &id, &packet, &len, &why))
        g_assert_true (packet + len <= message->data + cut);
      if (cut == sizeof first + SCOPE_CARRY_HEAD)
        g_assert_no_error (why);
      else
        g_assert_error (why, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
    }
}

/* Targets */

static char *
targets (const char *recorded, const char *observed, gboolean private)
{
  g_auto (GStrv) list = g_strsplit (recorded, " ", -1);
  g_autoptr (GArray) own = scope_prefix_parse_list ("10.77.0.0/24,fd77::/64,192.0.2.128/25", 4, NULL);
  g_autoptr (GArray) found = registry_carry_targets (list, observed, own, private);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < found->len; i++)
    {
      g_autofree char *one = scope_sockaddr_format (&g_array_index (found, ScopeSockaddr, i));
      g_string_append_printf (text, "%s%s", i ? " " : "", one);
    }
  return g_string_free (text, FALSE);
}

static void
test_targets (void)
{
  static const struct {
    const char *recorded, *observed;
    gboolean private;
    const char *expected;
  } cases[] = {
    { "192.0.2.1:51820 [2001:db8::1]:7", NULL, FALSE, "192.0.2.1:51820 [2001:db8::1]:7" },
    { "192.0.2.1:51820", "192.0.2.1:51820", FALSE, "192.0.2.1:51820" },
    { "192.0.2.1:1", "198.51.100.7:1", FALSE, "192.0.2.1:1 198.51.100.7:1" },
    { "relay.example:51820", NULL, FALSE, "" },
    /* Private ones only where it is seen, or when they are allowed. */
    { "10.1.2.3:1 192.168.1.1:1 172.31.0.1:1 100.64.0.1:1 [fd00::1]:1", NULL, FALSE, "" },
    { "10.1.2.3:1 192.168.1.1:1", "10.1.2.3:2", FALSE, "10.1.2.3:1 10.1.2.3:2" },
    { "10.1.2.3:1 [fd00::1]:1 127.0.0.1:1 [::1]:1", NULL, TRUE, "10.1.2.3:1 [fd00::1]:1 127.0.0.1:1 [::1]:1" },
    { "127.0.0.1:1 [::1]:1", "127.0.0.1:1", FALSE, "" },
    /* Never */
    { "0.0.0.0:1 224.0.0.1:1 255.255.255.255:1 169.254.169.254:80 [fe80::1]:1 [ff02::1]:1 [::]:1", NULL, TRUE, "" },
    { "[::ffff:10.0.0.1]:1 [::ffff:127.0.0.1]:1 [64:ff9b::a00:1]:1 [2002:a00:1::1]:1 [::127.0.0.1]:1", NULL, TRUE, "" },
    { "169.254.1.1:1", "169.254.1.1:1", FALSE, "" },
    /* The network's own: they would come back through the tunnel. */
    { "10.77.0.5:1 [fd77::5]:1 192.0.2.200:1", "10.77.0.5:1", TRUE, "" },
    { "192.0.2.1:1 192.0.2.1:2 192.0.2.1:3 192.0.2.1:4 192.0.2.1:5 192.0.2.1:6 192.0.2.1:7 192.0.2.1:8 192.0.2.1:9", NULL, FALSE,
      "192.0.2.1:1 192.0.2.1:2 192.0.2.1:3 192.0.2.1:4 192.0.2.1:5 192.0.2.1:6 192.0.2.1:7 192.0.2.1:8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *found = targets (cases[i].recorded, cases[i].observed, cases[i].private);
      g_assert_cmpstr (found, ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/carry/messages", test_messages);
  g_test_add_func ("/carry/wireguard", test_wireguard);
  g_test_add_func ("/carry/packets", test_packets);
  g_test_add_func ("/carry/targets", test_targets);
  return g_test_run ();
}
