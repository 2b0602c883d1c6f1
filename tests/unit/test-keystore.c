/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-keystore: src/service/scope-keystore.c: the key that the service makes, and never loses.
 */
#include "common/scope-error.h"
#include "crypto/scope-x25519.h"
#include "service/scope-keystore.h"

#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID "3d5c8d1c-6f5f-4a3c-a8ad-5d2b1c6d0f11"

typedef struct {
  char *dir;
  char *state;
  char *file;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("scope-keystore-XXXXXX", &error);
  g_assert_no_error (error);
  f->state = g_build_filename (f->dir, "var", "state", NULL);
  f->file = g_build_filename (f->state, UUID ".key", NULL);
  g_setenv ("NM_SCOPE_STATE_DIR", f->state, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *var = g_path_get_dirname (f->state);

  g_remove (f->file);
  g_remove (f->state);
  g_remove (var);
  g_assert_cmpint (g_remove (f->dir), ==, 0); /* nothing else was left there */
  g_free (f->file);
  g_free (f->state);
  g_free (f->dir);
}

static int
mode (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

static void
put (Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_mkdir_with_parents (f->state, 0700);
  g_file_set_contents (f->file, text, -1, &error);
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  ScopeKey key = { { 0 } };
  gboolean made = TRUE;

  g_assert_false (scope_keystore_get (UUID, &key, &made, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, f->state));
  g_assert_false (made);
  g_assert_true (scope_key_is_zero (&key));
}

static void
test_make_and_reuse (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeKey first, again, other, public_key;
  gboolean made = FALSE;
  int mask = umask (0);

  g_assert_true (scope_keystore_get (UUID, &first, &made, &error));
  umask (mask);
  g_assert_no_error (error);
  g_assert_true (made);
  g_assert_cmpint (mode (f->file), ==, 0600);
  g_assert_cmpint (mode (f->state), ==, 0700);
  g_assert_true (scope_x25519_public (&public_key, &first, &error));
  /* RFC 7748 §5: as `wg genkey` clamps it */
  g_assert_cmpuint (first.bytes[0] & 7, ==, 0);
  g_assert_cmpuint (first.bytes[31] & 0xc0, ==, 0x40);

  g_assert_true (scope_keystore_get (UUID, &again, &made, &error));
  g_assert_no_error (error);
  g_assert_false (made);
  g_assert_true (scope_key_equal (&first, &again));

  /* Another connection has another key. */
  g_assert_true (scope_keystore_get ("other", &other, &made, &error));
  g_assert_true (made);
  g_assert_false (scope_key_equal (&first, &other));
  g_autofree char *path = scope_keystore_path ("other", "key", &error);
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
test_as_wg_writes (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeKey key;
  gboolean made = TRUE;
  char text[SCOPE_KEY_BASE64_LEN + 1];

  put (f, "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n");
  g_assert_true (scope_keystore_get (UUID, &key, &made, &error));
  g_assert_no_error (error);
  g_assert_false (made);
  g_assert_cmpstr (scope_key_to_base64 (&key, text), ==, "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=");
}

static void
test_broken (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "", "\n", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC",
                                       "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo= x", "\xff\xfe" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *kept = NULL;

      put (f, texts[i]);
      assert_refused (f);
      g_assert_true (g_file_get_contents (f->file, &kept, NULL, NULL));
      g_assert_cmpstr (kept, ==, texts[i]);
    }
}

/* Root writes into every directory, so the directory is none: a file is in its place. */
static void
test_no_directory (Fixture *f, gconstpointer data)
{
  g_autofree char *var = g_path_get_dirname (f->state);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (var, "x", -1, &error));
  assert_refused (f);
  g_assert_null (scope_keystore_path (UUID, "roster", &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED);
}

/* And a key that cannot be read, or written. */
static void
test_unwritable (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_mkdir_with_parents (f->file, 0700), ==, 0);
  assert_refused (f);
  g_assert_cmpint (g_rmdir (f->file), ==, 0);

  /* What cannot be read may be a key nevertheless: never replaced. */
  g_assert_cmpint (symlink (UUID ".key", f->file), ==, 0);
  assert_refused (f);
  g_assert_true (g_file_test (f->file, G_FILE_TEST_IS_SYMLINK));
  g_assert_cmpint (g_remove (f->file), ==, 0);

  /* The name of the temporary file is too long, that of the key is not: only writing fails. */
  g_autofree char *uuid = g_strnfill (NAME_MAX - strlen (".key"), 'u');
  g_autoptr (GError) error = NULL;
  ScopeKey key;
  gboolean made = TRUE;
  g_assert_false (scope_keystore_get (uuid, &key, &made, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, f->state));
  g_assert_false (made);
  g_assert_true (scope_key_is_zero (&key));
}

static void
test_path (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = scope_keystore_path (UUID, "roster", &error);
  g_autofree char *expected = g_strdup_printf ("%s/%s.roster", f->state, UUID);

  g_assert_cmpstr (path, ==, expected);
  g_assert_true (g_file_test (f->state, G_FILE_TEST_IS_DIR));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/keystore/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("make-and-reuse", test_make_and_reuse);
  ADD ("as-wg-writes", test_as_wg_writes);
  ADD ("broken", test_broken);
  ADD ("no-directory", test_no_directory);
  ADD ("unwritable", test_unwritable);
  ADD ("path", test_path);
  return g_test_run ();
}
