/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-registry.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-settings.h"
#include "crypto/scope-authority-private.h"
#include "ctl/ctl-options.h"

#include <glib/gi18n-lib.h>
#include <libsoup/soup.h>
#include <string.h>

#define TIMEOUT 30                      /* seconds */
#define MAX_ANSWER (256 * 1024 * 1024)  /* a roster of ten thousand */
#define MAX_NETWORK (4 * 1024 * 1024)
#define MAX_COMPLAINT 4096
#define LIST_TIMEOUT 5                  /* seconds */
#define MAX_LIST (1024 * 1024)

struct _CtlRegistry {
  SoupSession *soup;
  char *network;
  char **urls;
};

CtlRegistry *
ctl_registry_new (const char *urls, const char *network, const char *ca, GError **error)
{
  g_autoptr (CtlRegistry) self = g_new0 (CtlRegistry, 1);
  g_autoptr (GStrvBuilder) kept = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;

  if (!urls)
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                         _ ("--registry: missing, and the root key's file does not say where it is"));
  if (!urls || !ctl_check_registry (urls, error))
    return NULL;
  words = g_strsplit_set (urls, ", \t\n;", -1);
  for (char **w = words; *w; w++)
    {
      while (g_str_has_suffix (*w, "/"))
        (*w)[strlen (*w) - 1] = '\0';
      if (**w)
        g_strv_builder_add (kept, *w);
    }
  self->urls = g_strv_builder_end (kept);
  self->network = g_strdup (network);
  self->soup = soup_session_new_with_options ("user-agent", "scopectl/" PACKAGE_VERSION, "timeout", TIMEOUT, NULL);
  if (ca)
    {
      g_autofree char *path = g_canonicalize_filename (ca, NULL);
      g_autoptr (GError) why = NULL;
      g_autoptr (GTlsDatabase) database = g_tls_file_database_new (path, &why);

      if (!database)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "--ca: %s: %s", ca, why->message);
          return NULL;
        }
      soup_session_set_tls_database (self->soup, database);
    }
  return g_steal_pointer (&self);
}

void
ctl_registry_free (CtlRegistry *self)
{
  g_clear_object (&self->soup);
  g_free (self->network);
  g_strfreev (self->urls);
  g_free (self);
}

/* --- one request --- */

static GBytes *
read_all (GInputStream *stream, gsize max, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[16384];
  gssize n;

  while ((n = g_input_stream_read (stream, buffer, sizeof buffer, NULL, error)) > 0)
    {
      if (bytes->len + (gsize) n > max)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, _ ("the answer is larger than %u bytes"),
                       (guint) max);
          return NULL;
        }
      g_byte_array_append (bytes, buffer, n);
    }
  return n < 0 ? NULL : g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

/* What a registry says about a refusal: its own words, or ours for the status. */
static char *
complaint (SoupMessage *message, GBytes *body)
{
  gsize len;
  const char *text = g_bytes_get_data (body, &len);
  g_autoptr (JsonObject) object = scope_json_parse_object (text, len, MAX_COMPLAINT, NULL);
  const char *code = NULL, *said = NULL;

  if (object)
    {
      code = scope_json_get_string (object, "code");
      if (!code)
        code = scope_json_get_string (object, "error");
      said = scope_json_get_string (object, "message");
      if (!said)
        said = scope_json_get_string (object, "field");
    }
  if (code && said)
    return g_strdup_printf ("%s: %s", code, said);
  if (code || said)
    return g_strdup (code ? code : said);
  return g_strdup_printf ("%u %s", soup_message_get_status (message),
                          soup_message_get_reason_phrase (message) ? soup_message_get_reason_phrase (message) : "");
}

static void
set_refusal (CtlRegistry *self, const char *url, SoupMessage *message, GBytes *body, GError **error)
{
  guint status = soup_message_get_status (message);
  g_autofree char *said = complaint (message, body);

  if (status == SOUP_STATUS_NOT_FOUND && !self->network)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("%s: there is no registry (%s); is the address complete?"), url,
                 said);
  else if (status == SOUP_STATUS_NOT_FOUND)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED,
                 _ ("registry %s: it has no network “%s” with a root key (%s)"), url, self->network, said);
  else if (SOUP_STATUS_IS_REDIRECTION (status))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("registry %s: it is elsewhere (%s); give its own address"),
                 url, said);
  else if (status == SOUP_STATUS_FORBIDDEN)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("registry %s refuses: %s"), url, said);
  else
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("registry %s: %s"), url, said);
}

/* @status: (out): 0 when there was no answer: then another registry may be asked. */
static GBytes *
request (CtlRegistry *self, const char *url, const char *body, gsize max, guint *status, GError **error)
{
  g_autofree char *address = g_strconcat (url, self->network ? "/v1/" : "/networks", self->network, NULL);
  g_autoptr (SoupMessage) message = soup_message_new (body ? SOUP_METHOD_POST : SOUP_METHOD_GET, address);
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (GBytes) answer = NULL;

  *status = 0;
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (body)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
      soup_message_set_request_body_from_bytes (message, "application/json", bytes);
    }
  stream = soup_session_send (self->soup, message, NULL, &why);
  if (stream)
    answer = read_all (stream, soup_message_get_status (message) == SOUP_STATUS_OK ? max : MAX_COMPLAINT, &why);
  if (!answer)
    {
      gboolean tls = why->domain == G_TLS_ERROR;
      g_set_error (error, SCOPE_ERROR, tls ? SCOPE_ERROR_TLS : SCOPE_ERROR_UNREACHABLE,
                   tls ? _ ("registry %s: %s (--ca has it trust a certificate of your own)") : _ ("registry %s: %s"), url,
                   why->message);
      return NULL;
    }
  *status = soup_message_get_status (message);
  if (*status == SOUP_STATUS_OK)
    return g_steal_pointer (&answer);
  set_refusal (self, url, message, answer, error);
  return NULL;
}

/* The registries in their order, until one answers. @from: (out) (optional) */
static GBytes *
ask (CtlRegistry *self, const char *body, gsize max, guint *status, const char **from, GError **error)
{
  g_autoptr (GError) first = NULL;

  for (char **url = self->urls; *url; url++)
    {
      g_autoptr (GError) why = NULL;
      GBytes *answer = request (self, *url, body, max, status, &why);

      if (from)
        *from = *url;
      if (answer)
        return answer;
      if (*status)
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return NULL;
        }
      if (!first)
        first = g_steal_pointer (&why);
    }
  g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}

GBytes *
ctl_registry_post (CtlRegistry *self, const char *envelope, gboolean *stale, GError **error)
{
  guint status;
  GBytes *answer = ask (self, envelope, MAX_ANSWER, &status, NULL, error);

  if (stale)
    *stale = !answer && status == SOUP_STATUS_CONFLICT;
  return answer;
}

/* The names in @answer, a JSON array; NULL when it is something else. */
static char **
parse_names (GBytes *answer)
{
  gsize len;
  const char *text = g_bytes_get_data (answer, &len);
  g_autofree char *wrapped = g_strdup_printf ("{\"networks\":%.*s}", (int) len, text ? text : "");
  g_autoptr (JsonObject) object = scope_json_parse_object (wrapped, strlen (wrapped), 2 * MAX_LIST, NULL);
  JsonArray *array = object ? scope_json_get_array (object, "networks") : NULL;
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  if (!array)
    return NULL;
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const char *name = json_node_get_value_type (element) == G_TYPE_STRING ? json_node_get_string (element) : NULL;

      if (name && scope_network_name_valid (name))
        g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}

char **
ctl_registry_list (CtlRegistry *self, const char **from, GError **error)
{
  guint status;
  g_autoptr (GBytes) answer = NULL;
  char **names;

  g_return_val_if_fail (!self->network, NULL);
  g_object_set (self->soup, "timeout", LIST_TIMEOUT, NULL);
  answer = ask (self, NULL, MAX_LIST, &status, from, error);
  if (!answer)
    return NULL;
  names = parse_names (answer);
  if (!names)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("%s: something answers, but it is no registry"), *from);
  return names;
}

/* --- the network as the registry has it --- */

static ScopeJws *
jws_from_node (JsonNode *node, GError **error)
{
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return scope_jws_from_object (json_node_get_object (node), error);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "not an object");
  return NULL;
}

static void
add_delegations (CtlNetwork *network, JsonObject *object, gint64 now)
{
  JsonArray *array = scope_json_get_array (object, "delegations");

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autoptr (GError) why = NULL;
      g_autoptr (ScopeJws) jws = jws_from_node (json_array_get_element (array, i), &why);

      if (!jws || !scope_authority_add_delegation (network->authority, jws, now, &why))
        g_ptr_array_add (network->problems, g_strdup_printf (_ ("delegation %u: %s"), i + 1, why->message));
      else
        {
          g_autoptr (JsonObject) payload = scope_jws_verify (jws, scope_authority_root (network->authority), SCOPE_TYP_DELEGATION, NULL);
          g_autoptr (ScopeDelegation) delegation =
              payload ? scope_delegation_parse (payload, scope_authority_network (network->authority), NULL) : NULL;
          if (delegation)
            g_ptr_array_add (network->delegates, g_strdup (scope_identity_public_fingerprint (delegation->identity)));
        }
    }
}

gboolean
ctl_network_delegates (const CtlNetwork *network, ScopeRole role, gint64 now)
{
  for (guint i = 0; i < network->delegates->len; i++)
    {
      const ScopeDelegation *delegation =
          scope_authority_find_delegation (network->authority, network->delegates->pdata[i], now);
      if (delegation && (delegation->roles & (1u << role)))
        return TRUE;
    }
  return FALSE;
}

static void
set_revocation (CtlNetwork *network, JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "revocation");
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (GError) why = NULL;

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return;
  jws = jws_from_node (node, &why);
  if (jws && scope_authority_set_revocation (network->authority, jws, &why))
    network->revocation = json_to_string (node, FALSE);
  else
    g_ptr_array_add (network->problems, g_strdup_printf (_ ("revocation: %s"), why ? why->message : "counter"));
}

CtlNetwork *
ctl_registry_fetch (CtlRegistry *self, ScopeIdentityPublic *root, gint64 now, GError **error)
{
  guint status;
  g_autoptr (GBytes) answer = ask (self, NULL, MAX_NETWORK, &status, NULL, error);
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (ScopeIdentityPublic) theirs = NULL;
  g_autoptr (CtlNetwork) network = NULL;
  g_autoptr (GError) why = NULL;
  const char *text, *identity;
  gsize len;

  if (!answer)
    return NULL;
  text = g_bytes_get_data (answer, &len);
  object = scope_json_parse_object (text, len, MAX_NETWORK, &why);
  identity = object ? scope_json_get_string (object, "root") : NULL;
  if (identity)
    theirs = scope_identity_public_parse (identity, &why);
  if (!theirs)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("registry %s: its answer has no root: %s"), self->urls[0],
                   why ? why->message : _ ("missing"));
      return NULL;
    }
  if (!scope_identity_public_equal (theirs, root))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED,
                   _ ("registry %s: its network “%s” has another root key: %s, not %s"), self->urls[0], self->network,
                   scope_identity_public_fingerprint (theirs), scope_identity_public_fingerprint (root));
      return NULL;
    }
  network = g_new0 (CtlNetwork, 1);
  network->problems = g_ptr_array_new_with_free_func (g_free);
  network->delegates = g_ptr_array_new_with_free_func (g_free);
  network->authority = scope_authority_new (self->network, root);
  add_delegations (network, object, now);
  set_revocation (network, object);
  return g_steal_pointer (&network);
}

void
ctl_network_free (CtlNetwork *network)
{
  g_clear_pointer (&network->authority, scope_authority_free);
  g_clear_pointer (&network->delegates, g_ptr_array_unref);
  g_free (network->revocation);
  g_clear_pointer (&network->problems, g_ptr_array_unref);
  g_free (network);
}
