/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-authority-form.h"

#include "common/scope-error.h"
#include "common/scope-settings.h"
#include "crypto/scope-authority-private.h"

static const char *const role_names[] = {
  [SCOPE_ROLE_EDGE] = "edge",
  [SCOPE_ROLE_RELAY] = "relay",
  [SCOPE_ROLE_MASTER] = "master",
};

const char *
scope_role_to_string (ScopeRole role)
{
  return role_names[role];
}

gboolean
scope_role_parse (ScopeRole *role, const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (role_names); i++)
    if (g_strcmp0 (text, role_names[i]) == 0)
      {
        *role = i;
        return TRUE;
      }
  return FALSE;
}

void
scope_delegation_free (ScopeDelegation *delegation)
{
  if (!delegation)
    return;
  g_free (delegation->network);
  g_clear_pointer (&delegation->identity, scope_identity_public_unref);
  g_clear_pointer (&delegation->pool, g_array_unref);
  g_free (delegation);
}

void
scope_grant_free (ScopeGrant *grant)
{
  if (!grant)
    return;
  g_free (grant->network);
  g_clear_pointer (&grant->identity, scope_identity_public_unref);
  g_clear_pointer (&grant->ranges, g_array_unref);
  g_free (grant->name);
  g_free (grant->signer);
  g_free (grant);
}

void
scope_invite_free (ScopeInvite *invite)
{
  if (!invite)
    return;
  g_free (invite->network);
  g_free (invite->name);
  g_free (invite);
}

void
scope_kill_free (ScopeKill *kill)
{
  if (!kill)
    return;
  g_free (kill->network);
  g_free (kill->reason);
  g_free (kill);
}

void
scope_revocation_free (ScopeRevocation *revocation)
{
  if (!revocation)
    return;
  g_free (revocation->network);
  g_strfreev (revocation->identities);
  g_free (revocation);
}

/* Reading */

gboolean
scope_form_network (const ScopeFields *fields, const char *network, GError **error)
{
  const char *name = scope_fields_string (fields, "network", SCOPE_NAME_MAX, error);

  if (!name)
    return FALSE;
  if (!scope_network_name_valid (name))
    return scope_fields_wrong (fields, "network", error, "not a network's name");
  if (g_str_equal (name, network))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "%s.network: “%s”, not “%s”", fields->where, name, network);
  return FALSE;
}

gboolean
scope_form_time (const ScopeFields *fields, const char *name, gint64 *time, GError **error)
{
  return scope_fields_integer (fields, name, 0, SCOPE_FIELDS_INTEGER_MAX, time, error);
}

gboolean
scope_form_times (const ScopeFields *fields, gint64 *issued, gint64 *expires, GError **error)
{
  if (!scope_form_time (fields, "issued", issued, error) || !scope_form_time (fields, "expires", expires, error))
    return FALSE;
  return *expires > *issued || scope_fields_wrong (fields, "expires", error, "not later than “issued”");
}

gboolean
scope_form_role (const ScopeFields *fields, const char *name, ScopeRole *role, GError **error)
{
  const char *text = scope_fields_string (fields, name, 16, error);

  if (!text)
    return FALSE;
  return scope_role_parse (role, text) || scope_fields_wrong (fields, name, error, "not edge, relay or master");
}

gboolean
scope_form_check_times (const char *what, gint64 issued, gint64 expires, gint64 now, GError **error)
{
  if (issued > now + SCOPE_CLOCK_SKEW)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED,
                 "%s: issued %" G_GINT64_FORMAT " s in the future: compare the clocks", what, issued - now);
  else if (expires <= now)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "%s: expired %" G_GINT64_FORMAT " s ago", what, now - expires);
  else
    return TRUE;
  return FALSE;
}

gboolean
scope_form_counter (const ScopeFields *fields, const char *name, guint64 *counter, GError **error)
{
  gint64 number;

  if (!scope_fields_integer (fields, name, 1, SCOPE_FIELDS_INTEGER_MAX, &number, error))
    return FALSE;
  *counter = number;
  return TRUE;
}

static ScopeIdentityPublic *
read_identity (const ScopeFields *fields, GError **error)
{
  guint8 bytes[SCOPE_IDENTITY_PUBLIC_LEN];

  return scope_fields_bytes (fields, "identity", bytes, sizeof bytes, error) ? scope_identity_public_new (bytes) : NULL;
}

/* What people read, in terminals too: optional, no control characters. @max: characters */
static gboolean
read_text (const ScopeFields *fields, const char *name, glong max, char **value, GError **error)
{
  const char *text;

  if (!scope_fields_has (fields, name))
    return TRUE;
  text = scope_fields_string (fields, name, max * 4, error);
  if (!text)
    return FALSE;
  if (g_utf8_strlen (text, -1) > max)
    return scope_fields_wrong (fields, name, error, "longer than %ld characters", max);
  for (const char *p = text; *p; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return scope_fields_wrong (fields, name, error, "a control character");
  *value = g_strdup (text);
  return TRUE;
}

/* Ranges and pools are there to say something. */
static GArray *
read_prefixes (const ScopeFields *fields, const char *name, guint max, GError **error)
{
  g_autoptr (GArray) list = scope_fields_prefixes (fields, name, max, error);

  if (list && list->len == 0)
    {
      scope_fields_wrong (fields, name, error, "empty");
      return NULL;
    }
  return g_steal_pointer (&list);
}

static gboolean
read_roles (const ScopeFields *fields, guint *roles, GError **error)
{
  JsonArray *array = scope_fields_array (fields, "roles", G_N_ELEMENTS (role_names), error);

  if (!array)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (fields, "roles", array, i, 16, error);
      ScopeRole role;

      if (!text)
        return FALSE;
      if (!scope_role_parse (&role, text))
        return scope_fields_wrong_element (fields, "roles", i, error, "not edge, relay or master");
      if (*roles & 1u << role)
        return scope_fields_wrong_element (fields, "roles", i, error, "%s is there twice", text);
      *roles |= 1u << role;
    }
  return *roles || scope_fields_wrong (fields, "roles", error, "empty");
}

ScopeDelegation *
scope_delegation_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "delegation" };
  g_autoptr (ScopeDelegation) delegation = g_new0 (ScopeDelegation, 1);

  delegation->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) || !(delegation->identity = read_identity (&fields, error)) ||
      !read_roles (&fields, &delegation->roles, error) ||
      !(delegation->pool = read_prefixes (&fields, "pool", SCOPE_DELEGATION_MAX_POOL, error)) ||
      !scope_form_times (&fields, &delegation->issued, &delegation->expires, error))
    return NULL;
  return g_steal_pointer (&delegation);
}

ScopeGrant *
scope_grant_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "grant" };
  g_autoptr (ScopeGrant) grant = g_new0 (ScopeGrant, 1);

  grant->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) || !(grant->identity = read_identity (&fields, error)) ||
      !scope_fields_key (&fields, "key", &grant->key, error) ||
      !(grant->ranges = read_prefixes (&fields, "ranges", SCOPE_GRANT_MAX_RANGES, error)) ||
      !scope_form_role (&fields, "role", &grant->role, error) ||
      !read_text (&fields, "name", SCOPE_NAME_MAX, &grant->name, error) ||
      !scope_form_times (&fields, &grant->issued, &grant->expires, error))
    return NULL;
  return g_steal_pointer (&grant);
}

ScopeInvite *
scope_invite_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "invite" };
  g_autoptr (ScopeInvite) invite = g_new0 (ScopeInvite, 1);

  invite->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) ||
      !scope_fields_bytes (&fields, "token", invite->token, sizeof invite->token, error) ||
      !scope_form_role (&fields, "role", &invite->role, error) ||
      !read_text (&fields, "name", SCOPE_NAME_MAX, &invite->name, error) ||
      !scope_form_times (&fields, &invite->issued, &invite->expires, error))
    return NULL;
  return g_steal_pointer (&invite);
}

ScopeKill *
scope_kill_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "kill" };
  g_autoptr (ScopeKill) kill = g_new0 (ScopeKill, 1);

  kill->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) || !scope_form_counter (&fields, "counter", &kill->counter, error) ||
      !scope_form_time (&fields, "issued", &kill->issued, error) ||
      !read_text (&fields, "reason", SCOPE_REASON_MAX, &kill->reason, error))
    return NULL;
  return g_steal_pointer (&kill);
}

static char **
read_fingerprints (const ScopeFields *fields, GError **error)
{
  JsonArray *array = scope_fields_array (fields, "identities", SCOPE_REVOCATION_MAX_IDENTITIES, error);
  g_autoptr (GHashTable) known = NULL;
  g_autoptr (GPtrArray) list = NULL;

  if (!array)
    return NULL;
  known = g_hash_table_new (g_str_hash, g_str_equal);
  list = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (fields, "identities", array, i, SCOPE_FINGERPRINT_LEN, error);

      if (!text)
        return NULL;
      if (!scope_fingerprint_valid (text))
        {
          scope_fields_wrong_element (fields, "identities", i, error, "not a fingerprint");
          return NULL;
        }
      if (!g_hash_table_add (known, (char *) text))
        {
          scope_fields_wrong_element (fields, "identities", i, error, "%s is there twice", text);
          return NULL;
        }
      g_ptr_array_add (list, g_strdup (text));
    }
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
}

ScopeRevocation *
scope_revocation_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "revocation" };
  g_autoptr (ScopeRevocation) revocation = g_new0 (ScopeRevocation, 1);

  revocation->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) || !scope_form_counter (&fields, "counter", &revocation->counter, error) ||
      !scope_form_time (&fields, "issued", &revocation->issued, error) ||
      !(revocation->identities = read_fingerprints (&fields, error)))
    return NULL;
  return g_steal_pointer (&revocation);
}

gboolean
scope_query_parse (JsonObject *payload, const char *network, const char **what, gint64 *issued, GError **error)
{
  const ScopeFields fields = { payload, "query" };

  return scope_form_network (&fields, network, error) && scope_form_time (&fields, "issued", issued, error) &&
         (*what = scope_fields_string (&fields, "what", SCOPE_NAME_MAX, error)) != NULL;
}

/* Writing */

static GString *
begin (const char *network)
{
  GString *out = g_string_new ("{");

  scope_fields_put_string (out, "network", network);
  return out;
}

static void
put_identity (GString *out, const ScopeIdentityPublic *identity)
{
  scope_fields_put_bytes (out, "identity", scope_identity_public_bytes (identity), SCOPE_IDENTITY_PUBLIC_LEN);
}

static void
put_role_and_name (GString *out, ScopeRole role, const char *name)
{
  scope_fields_put_string (out, "role", scope_role_to_string (role));
  if (name)
    scope_fields_put_string (out, "name", name);
}

static char *
end (GString *out, gint64 issued, gint64 expires)
{
  scope_fields_put_integer (out, "issued", issued);
  scope_fields_put_integer (out, "expires", expires);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
scope_delegation_format (const ScopeDelegation *delegation)
{
  GString *out = begin (delegation->network);

  put_identity (out, delegation->identity);
  scope_fields_put_name (out, "roles");
  g_string_append_c (out, '[');
  for (guint role = 0; role < G_N_ELEMENTS (role_names); role++)
    if (delegation->roles & 1u << role)
      {
        scope_fields_put_separator (out);
        g_string_append_printf (out, "\"%s\"", role_names[role]);
      }
  g_string_append_c (out, ']');
  scope_fields_put_prefixes (out, "pool", delegation->pool);
  return end (out, delegation->issued, delegation->expires);
}

char *
scope_grant_format (const ScopeGrant *grant)
{
  GString *out = begin (grant->network);

  put_identity (out, grant->identity);
  scope_fields_put_key (out, "key", &grant->key);
  scope_fields_put_prefixes (out, "ranges", grant->ranges);
  put_role_and_name (out, grant->role, grant->name);
  return end (out, grant->issued, grant->expires);
}

char *
scope_invite_format (const ScopeInvite *invite)
{
  GString *out = begin (invite->network);

  scope_fields_put_bytes (out, "token", invite->token, sizeof invite->token);
  put_role_and_name (out, invite->role, invite->name);
  return end (out, invite->issued, invite->expires);
}

char *
scope_kill_format (const ScopeKill *kill)
{
  GString *out = begin (kill->network);

  scope_fields_put_integer (out, "counter", kill->counter);
  scope_fields_put_integer (out, "issued", kill->issued);
  if (kill->reason)
    scope_fields_put_string (out, "reason", kill->reason);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
scope_revocation_format (const ScopeRevocation *revocation)
{
  GString *out = begin (revocation->network);

  scope_fields_put_integer (out, "counter", revocation->counter);
  scope_fields_put_integer (out, "issued", revocation->issued);
  scope_fields_put_strings (out, "identities", revocation->identities);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}
