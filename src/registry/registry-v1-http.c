/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-v1-http.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-json.h"
#include "registry/registry-admission.h"
#include "registry/registry-answer.h"
#include "registry/registry-publish.h"

#include <string.h>

static void
answer_json (SoupServerMessage *message, guint status, GString *text)
{
  g_autoptr (GBytes) body = g_string_free_to_bytes (text);

  registry_answer (message, status, REGISTRY_JSON_TYPE, body);
}

/* {"error": @code, "message": …} */
static void
answer_error (SoupServerMessage *message, guint status, const char *code, const char *why)
{
  GString *text = g_string_new ("{");

  scope_fields_put_string (text, "error", code);
  scope_fields_put_string (text, "message", why);
  g_string_append_c (text, '}');
  answer_json (message, status, text);
}

void
registry_v1_http_get (RegistryMesh *mesh, SoupServerMessage *message)
{
  gint64 now = g_get_real_time () / 1000;
  g_autofree char *root = scope_identity_public_format (mesh->config->file->root);
  g_auto (GStrv) delegations = registry_mesh_delegations (mesh, now);
  g_autofree char *list = g_strjoinv (",", delegations);
  GString *text = g_string_new ("{");

  scope_fields_put_string (text, "network", mesh->name);
  scope_fields_put_string (text, "root", root);
  scope_fields_put_integer (text, "time", now);
  g_string_append_printf (text, ",\"delegations\":[%s],\"revocation\":%s", list, mesh->revocation ? mesh->revocation : "null");
  if (mesh->config->killed)
    scope_fields_put_boolean (text, "disabled", TRUE);
  g_string_append_c (text, '}');
  answer_json (message, SOUP_STATUS_OK, text);
}

static gboolean
put_invite (RegistryMesh *mesh, const ScopeJws *jws, gint64 now, GError **error)
{
  g_autoptr (ScopeInvite) invite = scope_authority_invite (mesh->authority, jws, now / 1000, error);
  const ScopeDelegation *delegation = registry_mesh_delegation (mesh, now);
  RegistryStoredInvite stored = { 0 };

  if (!invite)
    return FALSE;
  if (!delegation || !(delegation->roles & 1 << invite->role))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "invite: this registry has no delegation to let a %s in",
                   scope_role_to_string (invite->role));
      return FALSE;
    }
  memcpy (stored.token, invite->token, sizeof stored.token);
  stored.role = (char *) scope_role_to_string (invite->role);
  stored.name = invite->name;
  stored.expires = invite->expires;
  registry_store_put_invite (mesh->store, mesh->id, &stored);
  return TRUE;
}

/* FALSE without an error: a counter that is not higher */
static gboolean
take (RegistryMesh *mesh, const char *text, const ScopeJws *jws, gint64 now, GError **error)
{
  if (g_str_equal (jws->typ, SCOPE_TYP_GRANT))
    return registry_admission_put_grant (mesh, text, now, error);
  if (g_str_equal (jws->typ, SCOPE_TYP_DELEGATION))
    return registry_mesh_put_delegation (mesh, text, now, error);
  if (g_str_equal (jws->typ, SCOPE_TYP_REVOCATION))
    return registry_mesh_put_revocation (mesh, text, now, error);
  if (g_str_equal (jws->typ, SCOPE_TYP_KILL))
    return registry_mesh_put_kill (mesh, text, now, error);
  if (g_str_equal (jws->typ, SCOPE_TYP_INVITE))
    return put_invite (mesh, jws, now, error);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "typ: “%.64s” is nothing for a registry", jws->typ);
  return FALSE;
}

/* What it cost to find that out is the client's. */
static void
answer_wrong (RegistryV1 *v1, SoupServerMessage *message, const ScopePrefix *client, const GError *error)
{
  registry_v1_charge (v1, client);
  if (scope_err_denied (error))
    answer_error (message, SOUP_STATUS_FORBIDDEN, "denied", error->message);
  else
    answer_error (message, SOUP_STATUS_BAD_REQUEST, "malformed", error->message);
}

static void
answer_query (RegistryV1 *v1, RegistryMesh *mesh, SoupServerMessage *message, const ScopePrefix *client,
              const ScopeJws *jws, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;

  if (!scope_authority_query (mesh->authority, jws, "peers", now / 1000, &error))
    {
      answer_wrong (v1, message, client, error);
      return;
    }
  body = registry_publish_query (mesh);
  registry_answer (message, SOUP_STATUS_OK, REGISTRY_JSON_TYPE, body);
}

void
registry_v1_http_post (RegistryV1 *v1, RegistryMesh *mesh, SoupServerMessage *message, const ScopePrefix *client)
{
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (message));
  g_autofree char *text = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  gint64 now = g_get_real_time () / 1000;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  GString *answer;

  jws = scope_jws_parse (text, g_bytes_get_size (body), &error);
  if (!jws)
    answer_error (message, SOUP_STATUS_BAD_REQUEST, "malformed", error->message);
  else if (!g_str_equal (jws->kid, mesh->root)) /* before it costs anything */
    answer_error (message, SOUP_STATUS_FORBIDDEN, "denied", "not signed by the network's root");
  else if (g_str_equal (jws->typ, SCOPE_TYP_QUERY))
    answer_query (v1, mesh, message, client, jws, now);
  else if (!take (mesh, text, jws, now, &error))
    {
      if (!error)
        answer_error (message, SOUP_STATUS_CONFLICT, "stale", "its counter is not higher than the known one");
      else
        answer_wrong (v1, message, client, error);
    }
  else
    {
      guint64 revision = registry_members_revision (mesh->members);

      /* Stored before it is answered. */
      mesh->changed (mesh, TRUE, mesh->user_data);
      if (!registry_v1_flush (v1))
        {
          answer_error (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, "failed", "it could not be stored");
          return;
        }
      answer = g_string_new ("{");
      scope_fields_put_integer (answer, "revision", revision);
      g_string_append_c (answer, '}');
      answer_json (message, SOUP_STATUS_OK, answer);
    }
}
