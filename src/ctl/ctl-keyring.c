/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-keyring.h"

#include "common/scope-key.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

static const SecretSchema schema = {
  "org.freedesktop.NetworkManager.scope.Root",
  SECRET_SCHEMA_NONE,
  { { "network", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "fingerprint", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

char *
ctl_keyring_lookup (const char *network, const char *fingerprint)
{
  char *found = secret_password_lookup_sync (&schema, NULL, NULL, "network", network, "fingerprint", fingerprint, NULL);
  char *copy = g_strdup (found);

  secret_password_free (found);
  return copy;
}

gboolean
ctl_keyring_store (const char *network, const char *fingerprint, const char *passphrase, GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Root key of the Scope network “%s”"), network);

  return secret_password_store_sync (&schema, SECRET_COLLECTION_DEFAULT, label, passphrase, NULL, error, "network",
                                     network, "fingerprint", fingerprint, NULL);
}
