/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages, rosters and the strict JSON below them. */
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "wire/scope-message.h"
#include "wire/scope-roster.h"

#include <string.h>

#define KEY_A "iE7eXvWcPUo2u8tT8lGTqbA/Yo2hCYOyOWsDBG0xVnA="
#define KEY_B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_ROOT "+//bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbA="

static gboolean
is_json (const char *text)
{
  return scope_json_walk (text, strlen (text), NULL, NULL, NULL, NULL);
}

static void
test_json_strict (void)
{
  static const char *const good[] = { "0",       "-1.5e+3", "\"a\\u0041\\n\"", "[]",  "{}",  " [1, 2 ,{\"a\":[null]}] ",
                                      "{\"\":0}", "true",    "\"\\\\\"",        "1E5", "[[]]", "\"\\ud83d\\ude00\"" };
  static const char *const bad[] = { "",       "x",       "nul",   "01",     "1.",       "-",     "[1,]",    "{\"a\":1,}", "{a:1}",
                                     "{\"a\"}", "\"\n\"",   "\"\\x\"", "\"\\u12\"", "[1 2]",    "[1]]",  "// c\n1", "/**/1",     "var a = 1",
                                     "[",      "\"",      "{\"a\":", "'a'",    "{\"a\" 1}", "NaN",   "\xff",    "1 2",       "\"\\",
                                     "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\\u0000\"" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    if (!is_json (good[i]))
      g_error ("refused: %s", good[i]);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (is_json (bad[i]))
      g_error ("accepted: %s", bad[i]);
  g_assert_false (scope_json_walk ("[\0]", 3, NULL, NULL, NULL, NULL));
  g_assert_false (scope_json_walk (NULL, 0, NULL, NULL, NULL, NULL));
}

static void
test_json_depth (void)
{
  g_autofree char *deep = g_malloc (1 << 20);
  g_autoptr (GError) error = NULL;
  g_autofree char *just = NULL;

  /* json-glib alone would overflow the stack */
  memset (deep, '[', 1 << 20);
  g_assert_null (scope_json_parse_object (deep, 1 << 20, 1 << 20, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);

  memset (deep, '[', SCOPE_JSON_MAX_DEPTH);
  memset (deep + SCOPE_JSON_MAX_DEPTH, ']', SCOPE_JSON_MAX_DEPTH);
  just = g_strndup (deep, 2 * SCOPE_JSON_MAX_DEPTH);
  g_assert_true (is_json (just));
}

static void
note (const char *path, guint line, gpointer user_data)
{
  g_string_append_printf (user_data, "%s:%u ", path, line);
}

static void
test_json_lines (void)
{
  static const char text[] = "{\n \"a\": [1,\n  {\"b\": 2}, []\n ],\n\n \"c\": {}, \"d\":\n 1}";
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  guint line;

  g_assert_true (scope_json_walk (text, strlen (text), note, seen, NULL, NULL));
  g_assert_cmpstr (seen->str, ==, ":1 a:2 a[0]:2 a[1]:3 a[1].b:3 a[2]:3 c:6 d:6 ");
  g_assert_false (scope_json_walk ("{\n\"a\":\n\nx}", 11, NULL, NULL, &line, &error));
  g_assert_cmpuint (line, ==, 4);
  g_assert_nonnull (strstr (error->message, "line 4"));
}

static void
test_json_string (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  scope_json_append_string (out, "a\"b\\c\n\x01é\xff");
  g_assert_cmpstr (out->str, ==, "\"a\\\"b\\\\c\\u000a\\u0001é\xef\xbf\xbd\"");
}

static void
test_message (void)
{
  static const char *const bad[] = { "null", "x", "[]", "", "1", "\"ping\"", "{}", "{\"t\":1}", "{\"t\":null}", "{\"t\":\"ping\"" };
  g_auto (ScopeMessage) message = { 0 };
  g_autofree char *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (scope_message_parse (&message, bad[i], strlen (bad[i]), &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
    }

  text = scope_message_format (SCOPE_MESSAGE_PEER_UPDATE, "a\"b");
  g_assert_cmpstr (text, ==, "{\"t\":\"peerUpdate\",\"d\":\"a\\\"b\"}");
  g_assert_true (scope_message_parse (&message, text, strlen (text), NULL));
  g_assert_cmpint (message.type, ==, SCOPE_MESSAGE_PEER_UPDATE);
  g_assert_cmpstr (message.data, ==, "a\"b");
  scope_message_clear (&message);

  g_assert_true (scope_message_parse (&message, "{\"t\":\"new\",\"d\":{}}", 18, NULL));
  g_assert_cmpint (message.type, ==, SCOPE_MESSAGE_UNKNOWN);
  g_assert_null (message.data);
}

static ScopeRoster *
parse (const char *text, guint *skipped)
{
  g_autoptr (GError) error = NULL;
  ScopeRoster *roster = scope_roster_parse (text, strlen (text), skipped, &error);

  g_assert_no_error (error);
  return roster;
}

/* What 0.0.x really sends: `peers`, with the root in it. */
static void
test_roster_sent (void)
{
  g_autoptr (ScopeRoster) roster = parse ("{\"ifname\":\"interface-1\",\"peers\":["
                                          "{\"type\":\"self\",\"pub\":\"" KEY_ROOT "\",\"end\":\"192.0.2.1:51820\",\"range\":\"10.0.0.254/32\"},"
                                          "{\"type\":\"peer\",\"pub\":\"" KEY_A "\",\"end\":\"[2001:db8::1]:1\",\"range\":\"10.0.0.2/32,fd00::2/128\"},"
                                          "{\"type\":\"peer\",\"pub\":\"" KEY_B "\",\"range\":\"(none)\"}],"
                                          "\"self\":{\"type\":\"self\",\"pub\":\"" KEY_ROOT "\",\"end\":\"192.0.2.1:51820\",\"range\":\"10.0.0.254/32\"},"
                                          "\"heartbeat\":20}",
                                          NULL);
  const ScopeRosterPeer *a = g_ptr_array_index (roster->peers, 0), *b = g_ptr_array_index (roster->peers, 1);
  ScopeKey key;

  g_assert_cmpstr (roster->network, ==, "interface-1");
  g_assert_cmpuint (roster->heartbeat, ==, 20);
  g_assert_cmpuint (roster->peers->len, ==, 2);
  g_assert_cmpstr (roster->self->end, ==, "192.0.2.1:51820");
  g_assert_cmpstr (a->end, ==, "[2001:db8::1]:1");
  g_assert_cmpuint (a->ranges->len, ==, 2);
  g_assert_null (b->end);
  g_assert_cmpuint (b->ranges->len, ==, 0);
  g_assert_cmpfloat (b->sum, ==, -1);

  scope_key_parse (&key, KEY_B);
  g_assert_true (scope_roster_find (roster, &key) == b);
  scope_key_parse (&key, KEY_ROOT);
  g_assert_true (scope_roster_find (roster, &key) == roster->self);
  key.bytes[3] ^= 1;
  g_assert_null (scope_roster_find (roster, &key));
}

/* Without `self`, the root is found among `peers`. */
static void
test_roster_root_in_peers (void)
{
  g_autoptr (ScopeRoster) roster = parse ("{\"ifname\":\"n\",\"peers\":[{\"type\":\"self\",\"pub\":\"" KEY_ROOT "\"}]}", NULL);

  g_assert_nonnull (roster->self);
  g_assert_cmpuint (roster->peers->len, ==, 0);
  g_assert_cmpuint (roster->heartbeat, ==, SCOPE_ROSTER_HEARTBEAT);
}

static void
test_roster_round_trip (void)
{
  static const char text[] =
      "{\"ifname\":\"n\",\"heartbeat\":0,\"self\":{\"type\":\"self\",\"pub\":\"" KEY_ROOT "\",\"range\":\"\"},"
      "\"peer\":[{\"type\":\"edge\",\"pub\":\"" KEY_A "\",\"end\":\"host.example:1\",\"range\":\"10.0.0.1/32\","
      "\"sum\":12.5,\"mode\":\"leastSum\",\"leastSource\":\"" KEY_B "\"},"
      "{\"type\":\"edge\",\"pub\":\"" KEY_B "\",\"range\":\"10.0.0.2/32,fd00::/64\",\"sum\":200,\"mode\":\"direct\",\"leastSource\":\"\"}]}";
  g_autoptr (ScopeRoster) roster = parse (text, NULL);
  g_autoptr (GString) plain = scope_roster_format (roster, FALSE);
  g_autoptr (GString) both = scope_roster_format (roster, TRUE);
  g_autoptr (ScopeRoster) again = parse (both->str, NULL);

  g_assert_cmpstr (plain->str, ==, text);
  g_assert_nonnull (strstr (both->str, "\"peers\":[{\"type\":\"self\",\"pub\":\"" KEY_ROOT "\""));
  g_assert_nonnull (strstr (both->str, "{\"type\":\"peer\",\"pub\":\"" KEY_A "\""));
  g_assert_cmpuint (again->peers->len, ==, 2);
}

/* One wrong entry does not cost the others. */
static void
test_roster_skips (void)
{
  static const char *const entries[] = {
    "null",
    "7",
    "{}",
    "{\"pub\":\"x\"}",
    "{\"pub\":\"" KEY_A "\",\"end\":\"nowhere\"}",
    "{\"pub\":\"" KEY_A "\",\"end\":7}",
    "{\"pub\":\"" KEY_A "\",\"range\":\"10.0.0.1/33\"}",
    "{\"pub\":\"" KEY_A "\",\"range\":[]}",
    "{\"pub\":\"" KEY_A "\",\"sum\":-1}",
    "{\"pub\":\"" KEY_A "\",\"sum\":\"1\"}",
    "{\"pub\":\"" KEY_A "\",\"mode\":\"odd\"}",
    "{\"pub\":\"" KEY_A "\",\"leastSource\":\"odd\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"ifname\":\"n\",\"peer\":[%s,{\"pub\":\"" KEY_B "\"}]}", entries[i]);
      guint skipped = 0;
      g_autoptr (ScopeRoster) roster = parse (text, &skipped);

      if (skipped != 1 || roster->peers->len != 1)
        g_error ("%s: %u skipped, %u peers", entries[i], skipped, roster->peers->len);
    }
}

static void
test_roster_refuses (void)
{
  static const struct {
    const char *text, *field;
  } cases[] = {
    { "[]", "object" },
    { "{}", "ifname" },
    { "{\"ifname\":1,\"peer\":[]}", "ifname" },
    { "{\"ifname\":\"n\"}", "peer" },
    { "{\"ifname\":\"n\",\"error\":\"notFound\"}", "peer" },
    { "{\"ifname\":\"n\",\"peer\":{}}", "peer" },
    { "{\"ifname\":\"n\",\"peers\":7}", "peers" },
    { "{\"ifname\":\"n\",\"peer\":[],\"heartbeat\":-1}", "heartbeat" },
    { "{\"ifname\":\"n\",\"peer\":[],\"heartbeat\":65536}", "heartbeat" },
    { "{\"ifname\":\"n\",\"peer\":[],\"heartbeat\":\"20\"}", "heartbeat" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (scope_roster_parse (cases[i].text, strlen (cases[i].text), NULL, &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, cases[i].field));
    }
}

static void
test_roster_bounds (void)
{
  g_autoptr (GString) text = g_string_new ("{\"ifname\":\"n\",\"peer\":[");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < SCOPE_ROSTER_MAX_PEERS + 2; i++)
    g_string_append (text, i ? ",0" : "0");
  g_string_append (text, "]}");
  g_assert_null (scope_roster_parse (text->str, text->len, NULL, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/json/strict", test_json_strict);
  g_test_add_func ("/wire/json/depth", test_json_depth);
  g_test_add_func ("/wire/json/lines", test_json_lines);
  g_test_add_func ("/wire/json/string", test_json_string);
  g_test_add_func ("/wire/message", test_message);
  g_test_add_func ("/wire/roster/as-sent", test_roster_sent);
  g_test_add_func ("/wire/roster/root-in-peers", test_roster_root_in_peers);
  g_test_add_func ("/wire/roster/round-trip", test_roster_round_trip);
  g_test_add_func ("/wire/roster/skips", test_roster_skips);
  g_test_add_func ("/wire/roster/refuses", test_roster_refuses);
  g_test_add_func ("/wire/roster/bounds", test_roster_bounds);
  return g_test_run ();
}
