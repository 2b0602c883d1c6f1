/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forge: makes what Python cannot, for test-liar: keys, and signatures under whatever it is given.
 *
 *   forge identity                   a new one: {"secret":…,"identity":…,"fingerprint":…}
 *   forge public SECRET              the same, of the secret in that file
 *   forge unlock ROOT PASSPHRASE     the same, of a root key that scopectl has made
 *   forge sign TYP SECRET            payload on standard input; prints the envelope
 *   forge kem                        a key for an epoch: {"kem":…}
 *   forge encapsulate                {"ct":…} for the {"kem":…} on standard input, bound to nobody
 *
 * Secrets are read from files; what is printed is for tests alone.
 */
#include "common/scope-base64.h"
#include "common/scope-json.h"
#include "crypto/scope-identity.h"
#include "crypto/scope-jws.h"
#include "crypto/scope-kem.h"
#include "crypto/scope-keyfile.h"

#include <stdio.h>
#include <string.h>

static char *
read_file (const char *path, GError **error)
{
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  return g_strchomp (text);
}

static char *
read_input (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  gsize n;

  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_string_append_len (text, buffer, n);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
print_identity (ScopeIdentity *identity)
{
  g_autoptr (ScopeSecret) secret = NULL;
  g_autofree char *pub = NULL;

  if (!identity)
    return FALSE;
  secret = scope_identity_format (identity);
  pub = scope_identity_public_format (scope_identity_public (identity));
  printf ("{\"secret\":\"%s\",\"identity\":\"%s\",\"fingerprint\":\"%s\"}\n", secret, pub,
          scope_identity_public_fingerprint (scope_identity_public (identity)));
  return TRUE;
}

static ScopeIdentity *
load (const char *path, GError **error)
{
  g_autoptr (ScopeSecret) text = read_file (path, error);

  return text ? scope_identity_parse (text, error) : NULL;
}

static gboolean
do_identity (char **args, GError **error)
{
  g_autoptr (ScopeIdentity) identity = scope_identity_generate (error);

  return print_identity (identity);
}

static gboolean
do_public (char **args, GError **error)
{
  g_autoptr (ScopeIdentity) identity = load (args[0], error);

  return print_identity (identity);
}

static gboolean
do_unlock (char **args, GError **error)
{
  g_autofree char *text = read_file (args[0], error);
  g_autoptr (ScopeSecret) passphrase = text ? read_file (args[1], error) : NULL;
  g_autoptr (ScopeKeyfile) file = passphrase ? scope_keyfile_parse (text, strlen (text), error) : NULL;
  g_autoptr (ScopeIdentity) identity = file ? scope_keyfile_open (file, passphrase, error) : NULL;

  return print_identity (identity);
}

static gboolean
do_sign (char **args, GError **error)
{
  g_autoptr (ScopeIdentity) identity = load (args[1], error);
  g_autofree char *payload = read_input ();
  g_autofree char *envelope = identity ? scope_jws_sign (identity, args[0], payload, error) : NULL;

  if (envelope)
    puts (envelope);
  return envelope != NULL;
}

static void
print_bytes (const char *name, const guint8 *bytes, gsize len)
{
  g_autofree char *text = g_malloc (SCOPE_BASE64_CHARS (len) + 1);

  printf ("{\"%s\":\"%s\"}\n", name, scope_base64url_encode (bytes, len, text));
}

static gboolean
do_kem (char **args, GError **error)
{
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN];

  if (!scope_kem_generate (secret, pub, error))
    return FALSE;
  print_bytes ("kem", pub, sizeof pub);
  return TRUE;
}

static gboolean
do_encapsulate (char **args, GError **error)
{
  g_autofree char *text = read_input ();
  g_autoptr (JsonObject) input = scope_json_parse_object (text, strlen (text), SCOPE_JWS_MAX_BYTES, error);
  const char *kem = input ? scope_json_get_string (input, "kem") : NULL;
  const ScopeKemContext nobody = { .network = "" };
  guint8 pub[SCOPE_KEM_PUBLIC_LEN], ct[SCOPE_KEM_CIPHERTEXT_LEN];
  g_auto (ScopeKemKeys) keys = { 0 };

  if (!kem || !scope_base64url_decode_exact (kem, pub, sizeof pub) ||
      !scope_kem_encapsulate (pub, &nobody, ct, &keys, error))
    return FALSE;
  print_bytes ("ct", ct, sizeof ct);
  return TRUE;
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    int n_args;
    gboolean (*run) (char **args, GError **error);
  } verbs[] = {
    { "identity", 0, do_identity }, { "public", 1, do_public }, { "unlock", 2, do_unlock },
    { "sign", 2, do_sign },         { "kem", 0, do_kem },       { "encapsulate", 0, do_encapsulate },
  };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; argc > 1 && i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (argv[1], verbs[i].name) && argc - 2 == verbs[i].n_args)
      {
        if (verbs[i].run (argv + 2, &error))
          return 0;
        fprintf (stderr, "forge: %s: %s\n", argv[1], error ? error->message : "bad input");
        return 1;
      }
  fprintf (stderr, "usage: forge identity | public SECRET | unlock ROOT PASSPHRASE | sign TYP SECRET | kem | encapsulate\n");
  return 2;
}
