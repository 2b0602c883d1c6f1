/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "v1-common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void
must (gboolean good, const char *what, GError *error)
{
  if (good)
    return;
  fprintf (stderr, "a client of the tests: %s: %s\n", what,
           error ? error->message : errno ? g_strerror (errno) : "failed");
  exit (1);
}

gint64
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

char *
sign (const ScopeIdentity *who, const char *typ, char *payload)
{
  g_autofree char *taken = payload;
  g_autoptr (GError) error = NULL;
  char *text = scope_jws_sign (who, typ, taken, &error);

  must (text != NULL, "sign", error);
  return text;
}

ScopeIdentity *
make_root (const char *dir)
{
  g_autofree char *path = g_build_filename (dir, "root.secret", NULL);
  g_autofree char *secret = NULL;
  g_autoptr (GError) error = NULL;
  ScopeIdentity *root = scope_identity_generate (&error);

  must (root != NULL, "generate", error);
  secret = scope_identity_format (root);
  must (g_file_set_contents_full (path, secret, -1, 0, 0600, &error), path, error);
  return root;
}

ScopeIdentity *
read_root (const char *dir)
{
  g_autofree char *path = g_build_filename (dir, "root.secret", NULL);
  g_autofree char *secret = NULL;
  g_autoptr (GError) error = NULL;
  ScopeIdentity *root;

  must (g_file_get_contents (path, &secret, NULL, &error), path, error);
  root = scope_identity_parse (secret, &error);
  must (root != NULL, path, error);
  return root;
}

ScopeV1Message *
make_hello (const ScopeIdentity *identity, const char *network, const char *nonce, const ScopeKey *key)
{
  ScopeV1Message *hello = scope_v1_message_new (SCOPE_V1_HELLO);

  hello->identity = scope_identity_public_format (scope_identity_public (identity));
  hello->proof = sign (identity, SCOPE_TYP_HELLO, scope_hello_format (network, nonce, key, now ()));
  return hello;
}
