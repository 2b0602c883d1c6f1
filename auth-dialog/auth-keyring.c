/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "auth-dialog/auth-keyring.h"

#include "common/scope-key.h"
#include "common/scope-settings.h"

#include <gio/gio.h>
#include <libsecret/secret.h>

#define SETTING "vpn"
#define TIMEOUT_SECONDS 5   /* of a service that does not answer */
#define PROMPT_SECONDS 120 /* of a person who is asked for the keyring's password */

static const SecretSchema schema = {
  "org.freedesktop.NetworkManager.Connection",
  SECRET_SCHEMA_DONT_MATCH_NAME, /* as the agents search */
  {
      { "connection-uuid", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { "setting-name", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { "setting-key", SECRET_SCHEMA_ATTRIBUTE_STRING },
      { NULL, 0 },
  },
};

/* --- calls that come to an end ------------------------------------------------------------- */

typedef struct {
  GMainContext *context;
  GCancellable *cancellable;
  GAsyncResult *result;
} Wait;

static gboolean
on_timeout (gpointer data)
{
  g_cancellable_cancel (((Wait *) data)->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  ((Wait *) data)->result = g_object_ref (result);
}

static void
wait_begin (Wait *wait, guint seconds)
{
  GSource *timeout = g_timeout_source_new_seconds (seconds);

  *wait = (Wait){ .context = g_main_context_new (), .cancellable = g_cancellable_new () };
  g_main_context_push_thread_default (wait->context);
  g_source_set_callback (timeout, on_timeout, wait, NULL);
  g_source_attach (timeout, wait->context);
  g_source_unref (timeout);
}

static GAsyncResult *
wait_done (Wait *wait)
{
  while (!wait->result)
    g_main_context_iteration (wait->context, TRUE);
  return wait->result;
}

static void
wait_end (Wait *wait)
{
  g_main_context_pop_thread_default (wait->context);
  g_clear_object (&wait->result);
  g_object_unref (wait->cancellable);
  g_main_context_unref (wait->context);
}

/* --- items --------------------------------------------------------------------------------- */

static GHashTable *
attributes_of (const char *uuid, const char *name)
{
  return secret_attributes_build (&schema, "connection-uuid", uuid, "setting-name", SETTING, "setting-key", name, NULL);
}

char *
auth_keyring_lookup (const char *uuid, const char *name, gboolean unlock)
{
  g_autoptr (GHashTable) attributes = attributes_of (uuid, name);
  SecretSearchFlags flags = SECRET_SEARCH_LOAD_SECRETS | (unlock ? SECRET_SEARCH_UNLOCK : 0);
  char *copy = NULL;
  GList *items;
  Wait wait;

  wait_begin (&wait, unlock ? PROMPT_SECONDS : TIMEOUT_SECONDS);
  secret_password_searchv (&schema, attributes, flags, wait.cancellable, on_ready, &wait);
  items = secret_password_search_finish (wait_done (&wait), NULL);
  if (items)
    {
      SecretValue *value = secret_retrievable_retrieve_secret_sync (items->data, wait.cancellable, NULL);

      if (value && secret_value_get_text (value))
        copy = g_strdup (secret_value_get_text (value));
      g_clear_pointer (&value, secret_value_unref);
    }
  g_list_free_full (items, g_object_unref);
  wait_end (&wait);
  return copy;
}

gboolean
auth_keyring_store (const char *uuid, const char *connection, const char *name, const char *value, GError **error)
{
  g_autoptr (GHashTable) attributes = attributes_of (uuid, name);
  g_autofree char *label =
      g_strdup_printf ("VPN %s secret for %s/%s/" SETTING, name, connection, SCOPE_NM_SERVICE); /* as the agents call it */
  gboolean ok;
  Wait wait;

  wait_begin (&wait, PROMPT_SECONDS);
  secret_password_storev (&schema, attributes, SECRET_COLLECTION_DEFAULT, label, value, wait.cancellable, on_ready, &wait);
  ok = secret_password_store_finish (wait_done (&wait), error);
  wait_end (&wait);
  return ok;
}
