/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "auth-dialog/auth-request.h"

#include "common/scope-confirm.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MESSAGE_HINT "x-vpn-message:"
#define INVITE_TOKEN "token="

/* --- one secret ---------------------------------------------------------------------------- */

static void
secret_free (AuthSecret *secret)
{
  scope_secret_free (secret->value);
  g_free (secret->name);
  g_free (secret);
}

static gboolean
is_good (const AuthSecret *secret)
{
  return secret->value && *secret->value && (!secret->info || scope_setting_check (secret->info, secret->value, NULL));
}

gboolean
auth_secret_take (AuthSecret *secret, const char *text, GError **error)
{
  g_autoptr (ScopeSecret) word = g_strstrip (g_strdup (text));
  g_autoptr (GError) why = NULL;
  const char *value = word;

  if (secret->info && secret->info->type == SCOPE_TYPE_TOKEN && strstr (word, INVITE_TOKEN))
    {
      value = strstr (word, INVITE_TOKEN) + strlen (INVITE_TOKEN);
      ((char *) value)[strcspn (value, " \t\r\n")] = '\0';
    }
  if (secret->info && !scope_setting_check (secret->info, value, &why))
    {
      const char *complaint = scope_setting_complaint (secret->info, why->message); /* the field says which */

      g_set_error_literal (error, why->domain, why->code, complaint ? complaint : why->message);
      return FALSE;
    }
  scope_secret_free (secret->value);
  secret->value = g_strdup (value);
  return TRUE;
}

/* --- what is asked for --------------------------------------------------------------------- */

static NMSettingSecretFlags
flags_of (const AuthQuery *query, const char *name)
{
  NMSettingSecretFlags flags = NM_SETTING_SECRET_FLAG_NONE;

  nm_vpn_service_plugin_get_secret_flags (query->data, name, &flags);
  return flags;
}

static gboolean
is_hinted (const AuthQuery *query, const char *name)
{
  return query->hints && g_strv_contains (query->hints, name);
}

static const char *
find_message (const AuthQuery *query)
{
  for (const char *const *hint = query->hints; hint && *hint; hint++)
    if (g_str_has_prefix (*hint, MESSAGE_HINT))
      return *hint + strlen (MESSAGE_HINT);
  return NULL;
}

static const char *
find_root (const AuthQuery *query)
{
  for (const char *const *hint = query->hints; hint && *hint; hint++)
    if (scope_confirm_root (*hint))
      return scope_confirm_root (*hint);
  return NULL;
}

static AuthSecret *
look_at (const AuthQuery *query, const ScopeSettingInfo *info, AuthLookup lookup, gpointer data)
{
  NMSettingSecretFlags flags = flags_of (query, info->name);
  AuthSecret *secret = g_new0 (AuthSecret, 1);
  gboolean hinted = is_hinted (query, info->name), wanted;

  secret->name = g_strdup (info->name);
  secret->info = info;
  secret->label = _ (info->label);
  secret->stored = (flags & NM_SETTING_SECRET_FLAG_AGENT_OWNED) && !(flags & NM_SETTING_SECRET_FLAG_NOT_SAVED);
  secret->value = g_strdup (g_hash_table_lookup (query->secrets, info->name));
  if (secret->stored && !secret->value && lookup)
    {
      secret->value = lookup (query->uuid, info->name, data);
      secret->from_keyring = secret->value != NULL;
    }
  /* Without flags a secret that is missing is none: the service makes a private key itself. */
  wanted = (flags & (NM_SETTING_SECRET_FLAG_AGENT_OWNED | NM_SETTING_SECRET_FLAG_NOT_SAVED)) &&
           !(flags & NM_SETTING_SECRET_FLAG_NOT_REQUIRED);
  secret->ask = query->allow_interaction &&
                (hinted || (query->reprompt && (wanted || secret->value)) || ((wanted || secret->value) && !is_good (secret)));
  return secret;
}

static AuthSecret *
question (const AuthQuery *query, const char *root)
{
  AuthSecret *secret = g_new0 (AuthSecret, 1);

  secret->name = g_strconcat (SCOPE_CONFIRM_PREFIX, root, NULL);
  secret->label = _ ("Is it this network’s root key? (yes)");
  secret->ask = query->allow_interaction;
  return secret;
}

/* Who answers for an agent without a keyring of its own (nmcli) takes only what was typed: give it a chance to hand over
 * what we found. */
static void
offer_stored (AuthRequest *request)
{
  for (guint i = 0; i < request->secrets->len; i++)
    {
      AuthSecret *secret = g_ptr_array_index (request->secrets, i);

      secret->ask = secret->from_keyring;
    }
}

static char *
message_of (const AuthQuery *query)
{
  const char *said = find_message (query);

  if (said && *said)
    return g_strdup (said);
  return g_strdup_printf (_ ("A secret is needed to connect to the Scope network “%s”."), query->name);
}

AuthRequest *
auth_request_new (const AuthQuery *query, AuthLookup lookup, gpointer data)
{
  AuthRequest *request = g_new0 (AuthRequest, 1);
  const char *root = find_root (query);

  request->uuid = g_strdup (query->uuid);
  request->name = g_strdup (query->name);
  request->secrets = g_ptr_array_new_with_free_func ((GDestroyNotify) secret_free);
  request->root = g_strdup (root);
  if (root)
    g_ptr_array_add (request->secrets, question (query, root));
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (info->secret)
      {
        AuthSecret *secret = look_at (query, info, lookup, data);

        if (secret->value || secret->ask)
          g_ptr_array_add (request->secrets, secret);
        else
          secret_free (secret);
      }
  if (query->external && query->allow_interaction && !auth_request_asks (request))
    offer_stored (request);
  request->message = message_of (query);
  return request;
}

gboolean
auth_request_asks (const AuthRequest *request)
{
  for (guint i = 0; i < request->secrets->len; i++)
    if (((AuthSecret *) g_ptr_array_index (request->secrets, i))->ask)
      return TRUE;
  return FALSE;
}

void
auth_request_free (AuthRequest *request)
{
  g_free (request->uuid);
  g_free (request->name);
  g_free (request->message);
  g_free (request->root);
  g_ptr_array_unref (request->secrets);
  g_free (request);
}
