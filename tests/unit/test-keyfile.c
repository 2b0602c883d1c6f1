/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The root key at rest: what comes back, and what each kind of wrongness is called. */
#include "config.h"

#include "common/scope-error.h"
#include "common/scope-key.h"
#include "crypto/scope-keyfile.h"

#include <string.h>

#define PASSPHRASE "correct horse battery staple"

static ScopeIdentity *identity;
static char *sealed; /* with the registry */

static void
test_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeKeyfile) k = scope_keyfile_parse (sealed, strlen (sealed), &error);
  g_autoptr (ScopeIdentity) back = NULL;
  g_autofree char *again = NULL;
  g_autoptr (ScopeSecret) want = scope_identity_format (identity), have = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (k->network, ==, "home");
  g_assert_cmpstr (k->registry, ==, "https://r.example/x");
  g_assert_true (scope_identity_public_equal (k->identity, scope_identity_public (identity)));
  g_assert_cmpuint (k->memory, ==, 65536);
  again = scope_keyfile_format (k);
  g_assert_cmpstr (again, ==, sealed);

  back = scope_keyfile_open (k, PASSPHRASE, &error);
  g_assert_no_error (error);
  have = scope_identity_format (back);
  g_assert_cmpstr (have, ==, want);
  g_assert_null (strstr (sealed, want));
}

/* Twice the same is nowhere the same: salt and nonce are new each time. */
static void
test_fresh (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeKeyfile) k = scope_keyfile_parse (sealed, strlen (sealed), &error);
  g_autoptr (ScopeKeyfile) other = scope_keyfile_seal ("home", NULL, identity, PASSPHRASE, &error);
  g_autoptr (ScopeKeyfile) parsed = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (memcmp (k->salt, other->salt, sizeof k->salt), !=, 0);
  g_assert_cmpint (memcmp (k->nonce, other->nonce, sizeof k->nonce), !=, 0);
  g_assert_cmpint (memcmp (k->ciphertext, other->ciphertext, sizeof k->ciphertext), !=, 0);
  text = scope_keyfile_format (other);
  parsed = scope_keyfile_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  g_assert_null (parsed->registry);
  g_assert_null (scope_keyfile_seal ("home", NULL, identity, "", &error));
  g_assert_true (scope_err_invalid (error));
}

static void
test_passphrase (void)
{
  const char *const wrong[] = { "", "correct horse battery stapl", PASSPHRASE " ", "Correct horse battery staple" };
  g_autoptr (ScopeKeyfile) k = scope_keyfile_parse (sealed, strlen (sealed), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (scope_keyfile_open (k, wrong[i], &error));
      g_assert_true (scope_err_denied (error));
      g_assert_cmpstr (error->message, ==, "the passphrase is wrong");
    }
}

static char *
replace (const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (sealed, from, 2);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  return g_strjoinv (to, parts);
}

/* Whatever in the file is changed so that it still has the right form: it does not open. */
static void
test_changed (void)
{
  for (guint what = 0; what < 10; what++)
    {
      g_autoptr (ScopeKeyfile) k = scope_keyfile_parse (sealed, strlen (sealed), NULL);
      g_autoptr (ScopeIdentity) stranger = scope_identity_generate (NULL);
      g_autoptr (GError) error = NULL;
      gboolean denied = FALSE; /* the key itself comes out differently */

      switch (what)
        {
        case 0: g_free (k->network); k->network = g_strdup ("hole"); break;
        case 1: g_free (k->registry); k->registry = g_strdup ("https://evil.example"); break;
        case 2: g_clear_pointer (&k->registry, g_free); break;
        case 3:
          scope_identity_public_unref (k->identity);
          k->identity = scope_identity_public_ref (scope_identity_public (stranger));
          break;
        case 4: k->nonce[0] ^= 1; break;
        case 5: k->ciphertext[0] ^= 1; break;
        case 6: k->ciphertext[sizeof k->ciphertext - 1] ^= 0x80; break;
        case 7: k->salt[15] ^= 1; denied = TRUE; break;
        case 8: k->passes++; denied = TRUE; break;
        case 9: k->check[0] ^= 1; denied = TRUE; break;
        }
      g_test_message ("%u", what);
      g_assert_null (scope_keyfile_open (k, PASSPHRASE, &error));
      g_assert_cmpint (scope_err_denied (error), ==, denied);
      g_assert_cmpint (scope_err_invalid (error), ==, !denied);
      g_assert_nonnull (strstr (error->message, denied ? "wrong" : "damaged"));
    }
}

static void
test_wrong (void)
{
  const struct {
    const char *from, *to, *part;
    int code;
  } cases[] = {
    { "{\"version\"", "\"version\"", "not a root key's file: ", SCOPE_ERROR_INVALID },
    { "\"version\":1", "\"version\":2", "version: 2: written by a newer", SCOPE_ERROR_UNSUPPORTED },
    { "\"version\":1", "\"version\":\"1\"", "version: not a number", SCOPE_ERROR_INVALID },
    { "\"version\":1,", "", "version: missing", SCOPE_ERROR_INVALID },
    { "\"network\":\"home\"", "\"network\":\"a/b\"", "network: not a network name", SCOPE_ERROR_INVALID },
    { "\"network\":\"home\"", "\"network\":7", "network: not a string", SCOPE_ERROR_INVALID },
    { "\"network\":\"home\",", "", "network: missing", SCOPE_ERROR_INVALID },
    { "\"network\":\"home\",", "\"network\":\"home\",\"network\":\"hole\",", "two members", SCOPE_ERROR_INVALID },
    { "\"https://r.example/x\"", "\"ftp://x\"", "registry: “ftp://x”", SCOPE_ERROR_INVALID },
    { "\"https://r.example/x\"", "null", "registry: not a string", SCOPE_ERROR_INVALID },
    { "\"identity\":\"", "\"identity\":\"x", "identity: not an identity", SCOPE_ERROR_INVALID },
    { "\"identity\"", "\"Identity\"", "identity: missing", SCOPE_ERROR_INVALID },
    { "\"kdf\"", "\"KDF\"", "kdf: missing", SCOPE_ERROR_INVALID },
    { "argon2id", "scrypt", "kdf.name: “scrypt” is not known; expected argon2id", SCOPE_ERROR_UNSUPPORTED },
    { "\"memory\":65536", "\"memory\":2000000000", "kdf.memory: not a number from 32 to 1048576", SCOPE_ERROR_INVALID },
    { "\"memory\":65536", "\"memory\":31", "kdf.memory: not a number from 32", SCOPE_ERROR_INVALID },
    { "\"memory\":65536", "\"memory\":65536.5", "kdf.memory: not a number", SCOPE_ERROR_INVALID },
    { "\"passes\":3", "\"passes\":65", "kdf.passes: not a number from 1 to 64", SCOPE_ERROR_INVALID },
    { "\"passes\":3", "\"passes\":0", "kdf.passes: not a number", SCOPE_ERROR_INVALID },
    { "\"lanes\":4", "\"lanes\":65", "kdf.lanes: not a number", SCOPE_ERROR_INVALID },
    { "\"salt\":\"", "\"salt\":\"x", "kdf.salt: expected 22 characters", SCOPE_ERROR_INVALID },
    { "\"check\":\"", "\"check\":\"=", "kdf.check: expected 22 characters", SCOPE_ERROR_INVALID },
    { "\"nonce\":\"", "\"nonce\":\"x", "nonce: expected 16 characters", SCOPE_ERROR_INVALID },
    { "\"ciphertext\"", "\"cipher\"", "ciphertext: missing", SCOPE_ERROR_INVALID },
    { "\"ciphertext\":\"", "\"ciphertext\":\"x", "ciphertext: expected 140 characters", SCOPE_ERROR_INVALID },
  };
  g_autofree char *filler = g_strnfill (SCOPE_KEYFILE_MAX_BYTES, ' ');
  g_autofree char *big = g_strconcat (sealed, filler, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = replace (cases[i].from, cases[i].to);
      g_autoptr (GError) why = NULL;

      g_assert_null (scope_keyfile_parse (text, strlen (text), &why));
      g_test_message ("%s", why->message);
      g_assert_error (why, SCOPE_ERROR, cases[i].code);
      g_assert_nonnull (strstr (why->message, cases[i].part));
    }
  g_assert_null (scope_keyfile_parse (big, strlen (big), &error));
  g_assert_true (scope_err_invalid (error));
  for (gsize len = 0; len < strlen (sealed) - 2; len += 7)
    g_assert_null (scope_keyfile_parse (sealed, len, NULL));
}

/* A file from elsewhere: written by this module once, and by nothing of it since. */
static void
test_stored (void)
{
  g_autofree char *path = g_build_filename (SCOPE_SRCDIR, "tests", "fuzz", "corpus", "keyfile", "home", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeKeyfile) k = NULL;
  g_autoptr (ScopeIdentity) root = NULL;
  gsize len;

  g_assert_true (g_file_get_contents (path, &text, &len, NULL));
  k = scope_keyfile_parse (text, len, &error);
  g_assert_no_error (error);
  root = scope_keyfile_open (k, PASSPHRASE, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_autoptr (ScopeKeyfile) k = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  identity = scope_identity_generate (NULL);
  k = scope_keyfile_seal ("home", "https://r.example/x", identity, PASSPHRASE, NULL);
  sealed = scope_keyfile_format (k);
  g_test_add_func ("/keyfile/round-trip", test_round_trip);
  g_test_add_func ("/keyfile/fresh", test_fresh);
  g_test_add_func ("/keyfile/passphrase", test_passphrase);
  g_test_add_func ("/keyfile/changed", test_changed);
  g_test_add_func ("/keyfile/wrong", test_wrong);
  g_test_add_func ("/keyfile/stored", test_stored);
  status = g_test_run ();
  g_free (sealed);
  scope_identity_unref (identity);
  return status;
}
