/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-ctl-local: what src/ctl/ctl-local.c makes of a service's status, also of one that is nonsense; and ctl-echo. */
#include "ctl/ctl-failure.h"
#include "ctl/ctl-local.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "ctl/ctl-echo.h"

#include <glib/gstdio.h>
#include <string.h>

#define RELAY "RELAYRELAYRELAYRELAYRELAYRELAYRELAYRELAYREA="

static const char status_text[] =
    "{\"network\":\"home\",\"registry\":true,\"interface\":\"wg-home\",\"addresses\":[\"10.77.0.5/24\",\"fd77::5/64\"],"
    "\"role\":\"edge\",\"nat\":\"open\",\"attachment\":\"" RELAY "\",\"peers\":["
    "{\"key\":\"" RELAY "\",\"identity\":\"aaaabbbbccccdddd\",\"name\":\"gate\",\"role\":\"relay\",\"tier\":\"pipe\","
    "\"ranges\":[\"fd77::1/128\",\"10.77.0.1/32\",\"192.168.7.0/24\"],\"online\":true,\"endpoint\":\"192.0.2.1:51820\","
    "\"handshake\":7,\"rx\":1500,\"tx\":2500000,\"keyState\":\"confirmed\",\"link\":true,\"latency\":12,\"loss\":3,"
    "\"carried\":false,\"path\":\"direct\",\"via\":null},"
    "{\"key\":\"B\",\"identity\":\"eeeeffff00001111\",\"name\":\"lap\\u001b[2Jtop\",\"role\":\"edge\",\"tier\":null,"
    "\"ranges\":[\"10.77.0.6/32\"],\"endpoint\":null,\"handshake\":7300,\"rx\":0,\"tx\":0,\"keyState\":\"making\","
    "\"link\":false,\"latency\":99,\"loss\":null,\"carried\":false,\"path\":\"relay\",\"via\":\"" RELAY "\"},"
    "{\"key\":\"C\",\"identity\":\"2222333344445555\",\"name\":null,\"role\":\"edge\",\"ranges\":[\"10.78.0.0/16\"],"
    "\"handshake\":null}]}";

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = scope_json_parse_object (text, strlen (text), 1 << 20, &error);

  g_assert_no_error (error);
  return object;
}

static void
test_table (void)
{
  g_autoptr (JsonObject) status = parse (status_text);
  g_autofree char *text = ctl_local_format (status);

  g_assert_cmpstr (
      text, ==,
      "home: 10.77.0.5/24, fd77::5/64 on wg-home, edge, NAT open, attached to gate, registry connected\n"
      "NAME        ADDRESS       ROLE          PATH        ENDPOINT         LATENCY  LOSS  HANDSHAKE  KEY           RECEIVED  SENT\n"
      "gate        10.77.0.1     relay (pipe)  direct      192.0.2.1:51820  12 ms    3 %   7 s ago    post-quantum  1.5\u00a0kB    2.5\u00a0MB\n"
      "lap [2Jtop  10.77.0.6     edge          relay gate  -                -        -     2 h ago    being made    0 bytes   0 bytes\n"
      "22223333    10.78.0.0/16  edge          -           -                -        -     never      none          0 bytes   0 bytes\n");
}

static void
test_paths (void)
{
  g_autoptr (JsonObject) status = parse (status_text);
  const struct {
    const char *peer, *path;
    gboolean direct;
  } cases[] = {
    { "{\"path\":\"direct\",\"via\":null}", "direct", TRUE },
    { "{\"path\":\"direct\",\"via\":null,\"carried\":true}", "carried by the registry", FALSE },
    { "{\"path\":\"relay\",\"via\":\"" RELAY "\"}", "relay gate", FALSE },
    { "{\"path\":\"relays\",\"via\":\"" RELAY "\"}", "relays from gate on", FALSE },
    { "{\"path\":\"pipe\",\"via\":\"" RELAY "\"}", "pipe gate", FALSE },
    { "{\"path\":\"master\",\"via\":\"" RELAY "\"}", "master gate", FALSE },
    { "{\"path\":\"relay\",\"via\":\"unknownkey\"}", "relay (unknow…)", FALSE },
    { "{\"path\":\"none\",\"via\":null}", "none", FALSE },
    { "{}", "", FALSE },
    { "{\"path\":7,\"via\":[]}", "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) peer = parse (cases[i].peer);
      g_autofree char *path = ctl_local_path (peer, status);

      g_assert_cmpstr (path, ==, cases[i].path);
      g_assert_cmpint (ctl_local_is_direct (peer), ==, cases[i].direct);
    }
}

static void
test_find (void)
{
  g_autoptr (JsonObject) status = parse (status_text);
  const struct {
    const char *text, *key;
  } cases[] = {
    { "gate", RELAY },        { RELAY, RELAY },      { "10.77.0.1", RELAY }, { "fd77::1", RELAY }, { "fd77:0::1", RELAY },
    { "aaaabbbb", RELAY },    { "10.77.0.6", "B" },  { "22223333", "C" },
    { "aaaabbb", NULL },      { "10.77.0.2", NULL }, { "", NULL },           { "gat", NULL },      { "192.168.7.1", NULL },
    { "10.78.0.0/16", NULL }, { "10.78.0.1", NULL },
  };
  g_autofree char *six = NULL, *four = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      JsonObject *peer = ctl_local_find (status, cases[i].text);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpstr (peer ? ctl_local_text (peer, "key") : NULL, ==, cases[i].key);
    }
  four = ctl_local_address (ctl_local_find (status, "gate"), "gate");
  g_assert_cmpstr (four, ==, "10.77.0.1");
  six = ctl_local_address (ctl_local_find (status, "gate"), "fd77::1");
  g_assert_cmpstr (six, ==, "fd77::1");
  g_assert_null (ctl_local_address (ctl_local_find (status, "22223333"), NULL));
}

/* From 0.0.x, from another version, from nowhere: words and dashes, no warnings. */
static void
test_nonsense (void)
{
  const char *const cases[] = {
    "{}",
    "{\"network\":\"x\",\"peers\":null}",
    "{\"network\":7,\"addresses\":{},\"peers\":{},\"role\":[],\"registry\":\"yes\"}",
    ("{\"network\":\"x\",\"addresses\":[7,null,[]],\"peers\":[null,7,\"a\",[],{},{\"name\":{},\"ranges\":[null,{},\"x/y\"],"
     "\"handshake\":\"soon\",\"rx\":1.5,\"loss\":[],\"online\":1}]}"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) status = parse (cases[i]);
      g_autofree char *text = ctl_local_format (status);

      g_assert_true (strstr (text, "registry away\n") != NULL);
      g_assert_true (g_utf8_validate (text, -1, NULL));
      g_assert_null (ctl_local_find (status, "10.77.0.1"));
    }
}

/* This machine answers itself. */
static void
test_echo (void)
{
  const char *const addresses[] = { "127.0.0.1", "::1" };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CtlEcho) echo = ctl_echo_new (addresses[i], &error);

      if (!echo)
        {
          g_test_skip (error->message);
          return;
        }
      if (i && ctl_echo_ask (echo, 100) < 0) /* no IPv6 here */
        continue;
      for (guint n = 0; n < 3; n++)
        {
          gint64 usec = ctl_echo_ask (echo, 2000);

          g_assert_cmpint (usec, >, 0);
          g_assert_cmpint (usec, <, 2 * G_USEC_PER_SEC);
        }
    }
}

static void
test_no_echo (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtlEcho) wrong = ctl_echo_new ("localhost", &error);
  g_autoptr (CtlEcho) nobody = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (wrong);
  g_assert_true (scope_err_invalid (error));
  nobody = ctl_echo_new ("240.0.0.1", NULL); /* not to be had (RFC 1112) */
  if (!nobody)
    return;
  g_assert_cmpint (ctl_echo_ask (nobody, 200), ==, -1);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 200 * 1000);
}

/* --- why others did not come up ------------------------------------------------------------ */

static void
write_failure (const char *dir, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_failures (void)
{
  g_autofree char *dir = g_dir_make_tmp ("scope-failures-XXXXXX", NULL);
  g_autofree char *all = NULL, *one = NULL, *none = NULL;

  write_failure (dir, "a.failure", "[failure]\nconnection=Home\nnetwork=home\ntime=1000\nkind=invite\nmessage=the invite was used\n");
  write_failure (dir, "b.failure", "[failure]\nconnection=work\nnetwork=work\ntime=8000\nkind=tls\nmessage=certificate\n");
  write_failure (dir, "c.failure", "nonsense");
  write_failure (dir, "d.failure", "[failure]\nconnection=x\n");
  write_failure (dir, "e.sysctl", "[failure]\nconnection=x\nmessage=x\n");
  all = ctl_failures_format (dir, NULL, 8200);
  g_assert_cmpstr (all, ==, "work failed 3 min ago: certificate\nHome failed 2 h ago: the invite was used\n");
  one = ctl_failures_format (dir, "home", 1007);
  g_assert_cmpstr (one, ==, "Home failed 7 s ago: the invite was used\n");
  none = ctl_failures_format ("/nonexistent", NULL, 0);
  g_assert_cmpstr (none, ==, "");
  for (const char *const *name = (const char *const[]){ "a.failure", "b.failure", "c.failure", "d.failure", "e.sysctl", NULL }; *name; name++)
    {
      g_autofree char *path = g_build_filename (dir, *name, NULL);
      g_unlink (path);
    }
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl-local/table", test_table);
  g_test_add_func ("/ctl-local/paths", test_paths);
  g_test_add_func ("/ctl-local/find", test_find);
  g_test_add_func ("/ctl-local/nonsense", test_nonsense);
  g_test_add_func ("/ctl-local/echo", test_echo);
  g_test_add_func ("/ctl-local/no-echo", test_no_echo);
  g_test_add_func ("/ctl-local/failures", test_failures);
  return g_test_run ();
}
