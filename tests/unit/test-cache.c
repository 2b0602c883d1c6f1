/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-cache: src/peer/scope-cache.c: what was stored comes back, what is broken is set aside.
 */
#include "common/scope-error.h"
#include "peer/scope-cache.h"
#include "test-log.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_KEY "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define EDGE_KEY "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define ROSTER \
  "{\"ifname\":\"wg0\",\"heartbeat\":25,\"self\":{\"pub\":\"" ROOT_KEY "\",\"end\":\"203.0.113.1:51820\"," \
  "\"range\":\"10.0.0.1/32\"},\"peer\":[{\"pub\":\"" EDGE_KEY "\",\"end\":\"edge.example:1\",\"range\":" \
  "\"10.0.0.2/32,fd00::/64\",\"sum\":12.5,\"mode\":\"leastSum\",\"leastSource\":\"" ROOT_KEY "\"}]}"

typedef struct {
  char *dir;
  char *path;
  char *aside;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("scope-cache-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->dir, "x.roster", NULL);
  f->aside = g_strconcat (f->path, ".broken", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->path);
  g_remove (f->aside);
  g_assert_cmpint (g_rmdir (f->dir), ==, 0); /* no temporary file stays */
  g_free (f->dir);
  g_free (f->path);
  g_free (f->aside);
  test_log_assert_quiet ();
}

static ScopeRoster *
sample (void)
{
  g_autoptr (GError) error = NULL;
  guint skipped;
  ScopeRoster *roster = scope_roster_parse (ROSTER, strlen (ROSTER), &skipped, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (skipped, ==, 0);
  return roster;
}

static void
store (Fixture *f, const char *gateway)
{
  g_autoptr (ScopeRoster) roster = sample ();
  g_autoptr (GError) error = NULL;

  g_assert_true (scope_cache_store (f->path, roster, gateway, &error));
  g_assert_no_error (error);
}

static void
put (Fixture *f, const char *text, gssize len)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (f->path, text, len, &error);
  g_assert_no_error (error);
}

static char *
get (const char *path, gsize *len)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, len, &error);
  g_assert_no_error (error);
  return text;
}

/* A load that finds nothing and hands nothing out. */
static void
assert_not_loaded (Fixture *f)
{
  char *gateway = (char *) "untouched";

  g_assert_null (scope_cache_load (f->path, "wg0", &gateway));
  g_assert_null (gateway);
}

static void
assert_broken (Fixture *f, const char *text, gsize len)
{
  g_autofree char *kept = NULL;
  gsize kept_len;

  put (f, text, len);
  assert_not_loaded (f);
  test_log_assert_warning ("roster cache * is broken *");
  test_log_assert_quiet ();
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  kept = get (f->aside, &kept_len);
  g_assert_cmpmem (kept, kept_len, text, len);
}

static void
test_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeRoster) roster = NULL;
  g_autoptr (ScopeRoster) before = sample ();
  g_autofree char *gateway = NULL;
  int mask = umask (0);
  GStatBuf st;

  store (f, "198.51.100.7");
  umask (mask);
  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);

  roster = scope_cache_load (f->path, "wg0", &gateway);
  g_assert_nonnull (roster);
  g_assert_cmpstr (gateway, ==, "198.51.100.7");
  g_autofree char *was = g_string_free (scope_roster_format (before, TRUE), FALSE);
  g_autofree char *is = g_string_free (scope_roster_format (roster, TRUE), FALSE);
  g_assert_cmpstr (is, ==, was);
  g_assert_nonnull (strstr (is, "edge.example:1"));
  g_assert_false (g_file_test (f->aside, G_FILE_TEST_EXISTS));
}

static void
test_gateway (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *json;
    const char *expected;
  } cases[] = {
    { "", NULL },
    { "\"gateway\":\"2001:db8::7\",", "2001:db8::7" },
    { "\"gateway\":\"registry.example\",", NULL },
    { "\"gateway\":\"\",", NULL },
    { "\"gateway\":null,", NULL },
    { "\"gateway\":7,", NULL },
    { "\"gateway\":[\"192.0.2.1\"],", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"scope-cache\":1,%s\"roster\":" ROSTER "}", cases[i].json);
      g_autoptr (GError) error = NULL;
      g_autofree char *gateway = NULL;
      g_autoptr (ScopeRoster) roster = scope_cache_parse (text, strlen (text), &gateway, &error);

      g_assert_no_error (error);
      g_assert_nonnull (roster);
      g_assert_cmpstr (gateway, ==, cases[i].expected);
    }

  /* None known when it was stored. */
  g_autofree char *gateway = NULL;
  store (f, NULL);
  g_autoptr (ScopeRoster) roster = scope_cache_load (f->path, "wg0", &gateway);
  g_assert_nonnull (roster);
  g_assert_null (gateway);
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  assert_not_loaded (f);
  g_assert_false (g_file_test (f->aside, G_FILE_TEST_EXISTS));
}

static void
test_unreadable (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  assert_not_loaded (f);
  test_log_assert_warning ("roster cache: *");
}

static void
test_other_network (Fixture *f, gconstpointer data)
{
  char *gateway = (char *) "untouched";

  store (f, "198.51.100.7");
  g_assert_null (scope_cache_load (f->path, "wg1", &gateway));
  g_assert_null (gateway);
  /* Not broken: it stays where it is. */
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (f->aside, G_FILE_TEST_EXISTS));
}

static void
test_truncated (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;
  gsize len;

  store (f, "198.51.100.7");
  text = get (f->path, &len);
  g_assert_cmpint (text[len - 1], ==, '\n');
  for (gsize i = 0; i < len - 1; i++)
    assert_broken (f, text, i);
}

static void
test_wrong (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = {
    "null",
    "[]",
    "[1]",
    "\"scope-cache\"",
    "{}",
    "{\"scope-cache\":1}",
    "{\"scope-cache\":2,\"roster\":" ROSTER "}",
    "{\"scope-cache\":0,\"roster\":" ROSTER "}",
    "{\"scope-cache\":\"1\",\"roster\":" ROSTER "}",
    "{\"scope-cache\":true,\"roster\":" ROSTER "}",
    "{\"scope-cache\":1.5,\"roster\":" ROSTER "}",
    "{\"scope-cache\":null,\"roster\":" ROSTER "}",
    "{\"scope-cache\":{},\"roster\":" ROSTER "}",
    "{\"scope-cache\":1,\"roster\":null}",
    "{\"scope-cache\":1,\"roster\":[]}",
    "{\"scope-cache\":1,\"roster\":7}",
    "{\"scope-cache\":1,\"roster\":\"wg0\"}",
    "{\"scope-cache\":1,\"roster\":{}}",
    "{\"scope-cache\":1,\"roster\":{\"ifname\":\"wg0\"}}",
    "{\"scope-cache\":1,\"roster\":{\"ifname\":\"wg0\",\"peer\":7}}",
    "{\"scope-cache\":1,\"roster\":" ROSTER "} x",
    "/* a comment */ {\"scope-cache\":1,\"roster\":" ROSTER "}",
    ROSTER,
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_broken (f, texts[i], strlen (texts[i]));
}

/* json-glib alone runs out of stack here. */
static void
test_deep (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("{\"scope-cache\":1,\"roster\":");

  for (guint i = 0; i < 1024 * 1024; i++)
    g_string_append_c (text, '[');
  assert_broken (f, text->str, text->len);
}

static void
test_large (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("{\"scope-cache\":1,\"roster\":" ROSTER "}");

  while (text->len <= SCOPE_ROSTER_MAX_BYTES)
    g_string_append (text, "                                                                ");
  assert_broken (f, text->str, text->len);
}

/* Stored text that the next start would throw away is worse than the file that is there. */
static void
test_store_too_large (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeRoster) roster = sample ();
  g_autoptr (GError) error = NULL;
  g_autofree char *gateway = NULL;
  ScopePrefix range;

  store (f, NULL);
  g_assert_true (scope_prefix_parse (&range, "2001:db8:1111:1111:1111:1111:1111:1111/128"));
  for (guint n = 0; n < 7000; n++)
    {
      ScopeKey key = { { n & 0xff, n >> 8 } };
      ScopeRosterPeer *peer = scope_roster_peer_new (&key);
      for (guint i = 0; i < SCOPE_ROSTER_MAX_RANGES; i++)
        g_array_append_val (peer->ranges, range);
      g_ptr_array_add (roster->peers, peer);
    }
  g_assert_false (scope_cache_store (f->path, roster, NULL, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID);
  g_autoptr (ScopeRoster) old = scope_cache_load (f->path, "wg0", &gateway);
  g_assert_nonnull (old);
  g_assert_cmpuint (old->peers->len, ==, 1);
}

static void
test_random (Fixture *f, gconstpointer data)
{
  g_autofree char *good = NULL;
  gsize len;

  store (f, "198.51.100.7");
  good = get (f->path, &len);
  for (guint round = 0; round < 3000; round++)
    {
      g_autofree guint8 *text = g_memdup2 (good, len);
      guint n = round % 2 ? (guint) g_test_rand_int_range (1, 8) : (guint) len;
      char *gateway = NULL;

      for (guint i = 0; i < n; i++)
        text[round % 2 ? g_test_rand_int_range (0, len) : (int) i] = g_test_rand_int_range (0, 256);
      put (f, (char *) text, len);
      /* A flipped byte may leave a good roster; noise does not. */
      g_autoptr (ScopeRoster) roster = scope_cache_load (f->path, "wg0", &gateway);
      if (round % 2 == 0)
        g_assert_null (roster);
      if (!roster)
        g_assert_null (gateway);
      g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS) || test_log_warnings->len == 1);
      g_ptr_array_set_size (test_log_warnings, 0);
      g_free (gateway);
    }
}

/* Renaming over it fails (a directory is in the place), and nothing of the attempt stays. */
static void
test_store_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeRoster) roster = sample ();
  g_autoptr (GError) error = NULL;
  g_autofree char *nowhere = g_build_filename (f->dir, "missing", "x.roster", NULL);
  g_autofree char *inside = g_build_filename (f->path, "x", NULL);

  g_assert_false (scope_cache_store (nowhere, roster, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  g_assert_true (g_file_set_contents (inside, "old", -1, NULL));
  g_assert_false (scope_cache_store (f->path, roster, NULL, &error));
  g_assert_nonnull (error);
  g_assert_true (g_file_test (inside, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_remove (inside), ==, 0);
}

/* The old file is whole until the new one is: a reader with it open sees it to its end, and a second
 * name of it keeps the old text. */
static void
test_store_atomic (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->dir, "link", NULL);
  g_autofree char *before = NULL;
  g_autofree char *still = NULL;

  store (f, "198.51.100.7");
  before = get (f->path, NULL);
  g_assert_cmpint (link (f->path, other), ==, 0);
  store (f, "198.51.100.8");
  still = get (other, NULL);
  g_assert_cmpstr (still, ==, before);
  g_assert_cmpint (g_remove (other), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
#define ADD(name, function) g_test_add ("/cache/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("round-trip", test_round_trip);
  ADD ("gateway", test_gateway);
  ADD ("missing", test_missing);
  ADD ("unreadable", test_unreadable);
  ADD ("other-network", test_other_network);
  ADD ("truncated", test_truncated);
  ADD ("wrong", test_wrong);
  ADD ("deep", test_deep);
  ADD ("large", test_large);
  ADD ("store-too-large", test_store_too_large);
  ADD ("random", test_random);
  ADD ("store-fails", test_store_fails);
  ADD ("store-atomic", test_store_atomic);
  return g_test_run ();
}
