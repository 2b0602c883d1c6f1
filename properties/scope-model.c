/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-model.h"

#include "common/scope-key.h"
#include "crypto/scope-x25519.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What the connection had (NULL: nothing), and what a person has made of it. */
typedef struct {
  char *had;
  char *had_flags; /* as vpn.data has them */
  char *text;
  NMSettingSecretFlags flags;
  char *why;
} Row;

struct _ScopeModel {
  guint n;
  Row *rows;
  gboolean is_new;
  gboolean is_alone; /* as it was put last: an exit's name servers */
  gboolean autoconnect;
  gboolean autoconnect_set; /* by a person; else it is somebody else's page that changes it */
  char derived[SCOPE_KEY_BASE64_LEN + 1];
};

static Row *
row_of (ScopeModel *self, const ScopeSettingInfo *info)
{
  return &self->rows[info - scope_setting_infos];
}

static Row *
row_named (ScopeModel *self, const char *name)
{
  return row_of (self, scope_setting_find (name));
}

static NMSettingSecretFlags
parse_flags (const char *text)
{
  guint64 flags = 0;

  if (text)
    g_ascii_string_to_unsigned (text, 10, 0, 7, &flags, NULL);
  return (NMSettingSecretFlags) flags;
}

static gboolean
row_touched (const Row *row)
{
  return g_strcmp0 (row->text, row->had ? row->had : "") != 0;
}

static gboolean
row_flags_touched (const Row *row)
{
  return row->flags != parse_flags (row->had_flags);
}

/* Whoever asks each time, or needs none, keeps none. */
static gboolean
is_kept (NMSettingSecretFlags flags)
{
  return !(flags & (NM_SETTING_SECRET_FLAG_NOT_SAVED | NM_SETTING_SECRET_FLAG_NOT_REQUIRED));
}

/* --- what is wrong --- */

static void
set_why (Row *row, const ScopeSettingInfo *info, const GError *error)
{
  const char *complaint = scope_setting_complaint (info, error->message);

  g_free (row->why);
  row->why = g_strdup (complaint ? complaint : error->message);
}

/* What settings say of each other, once each of them is well. */
static void
check_together (ScopeModel *self)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) secrets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (ScopeSettings) settings = NULL;
  g_autoptr (GError) error = NULL;

  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      Row *row = row_of (self, info);

      if (row->why)
        return;
      if (*row->text)
        g_hash_table_insert (info->secret ? secrets : data, (char *) info->name, row->text);
    }
  settings = scope_settings_parse (data, secrets, &error);
  if (settings)
    return;
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (scope_setting_complaint (info, error->message))
      set_why (row_of (self, info), info, error);
}

static void
derive (ScopeModel *self)
{
  ScopeKey private_key, public_key;

  *self->derived = '\0';
  if (scope_key_parse (&private_key, row_named (self, SCOPE_SETTING_PRIVATE_KEY)->text) &&
      scope_x25519_public (&public_key, &private_key, NULL))
    scope_key_to_base64 (&public_key, self->derived);
  scope_key_clear (&private_key);
}

static void
check_public_key (ScopeModel *self)
{
  Row *row = row_named (self, SCOPE_SETTING_PUBLIC_KEY);
  ScopeKey own, listed;

  if (*self->derived && *row->text && !row->why && scope_key_parse (&own, self->derived) &&
      scope_key_parse (&listed, row->text) && !scope_key_equal (&own, &listed))
    row->why = g_strdup (_ ("does not belong to the private key"));
}

static void
check (ScopeModel *self)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      Row *row = row_of (self, info);
      g_autoptr (GError) error = NULL;

      g_clear_pointer (&row->why, g_free);
      if (!*row->text && info->required)
        row->why = g_strdup (_ ("must not be empty"));
      else if (*row->text && !scope_setting_check (info, row->text, &error))
        set_why (row, info, error);
    }
  check_public_key (self);
  check_together (self);
}

/* --- one setting --- */

ScopeModel *
scope_model_new (NMConnection *connection)
{
  NMSettingConnection *s_con = nm_connection_get_setting_connection (connection);
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  ScopeModel *self = g_new0 (ScopeModel, 1);

  while (scope_setting_infos[self->n].name)
    self->n++;
  self->rows = g_new0 (Row, self->n);
  self->autoconnect = s_con && nm_setting_connection_get_autoconnect (s_con);
  self->is_new = !vpn || nm_setting_vpn_get_num_data_items (vpn) == 0;
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      Row *row = row_of (self, info);
      g_autofree char *flags = g_strconcat (info->name, "-flags", NULL);

      if (vpn && info->secret)
        {
          row->had = g_strdup (nm_setting_vpn_get_secret (vpn, info->name));
          row->had_flags = g_strdup (nm_setting_vpn_get_data_item (vpn, flags));
        }
      else if (vpn)
        row->had = g_strdup (nm_setting_vpn_get_data_item (vpn, info->name));
      row->text = g_strdup (row->had ? row->had : "");
      row->flags = parse_flags (row->had_flags);
    }
  derive (self);
  check (self);
  return self;
}

void
scope_model_free (ScopeModel *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      scope_secret_free (self->rows[i].had);
      scope_secret_free (self->rows[i].text);
      g_free (self->rows[i].had_flags);
      g_free (self->rows[i].why);
    }
  g_free (self->rows);
  g_free (self);
}

gboolean
scope_model_is_new (ScopeModel *self)
{
  return self->is_new;
}

const char *
scope_model_get (ScopeModel *self, const ScopeSettingInfo *info)
{
  return row_of (self, info)->text;
}

/* A public key that was listed follows the private one: both together must be right. */
static void
follow (ScopeModel *self)
{
  Row *row = row_named (self, SCOPE_SETTING_PUBLIC_KEY);

  if (*self->derived && *row->text && row_touched (row_named (self, SCOPE_SETTING_PRIVATE_KEY)))
    {
      g_free (row->text);
      row->text = g_strdup (self->derived);
    }
}

gboolean
scope_model_set (ScopeModel *self, const ScopeSettingInfo *info, const char *text)
{
  Row *row = row_of (self, info);
  char *stripped;

  if (g_str_equal (row->text, text))
    return FALSE;
  stripped = g_strstrip (g_strdup (text));
  scope_secret_free (row->text);
  row->text = stripped;
  if (g_str_equal (info->name, SCOPE_SETTING_PRIVATE_KEY))
    {
      derive (self);
      follow (self);
    }
  check (self);
  return TRUE;
}

NMSettingSecretFlags
scope_model_get_flags (ScopeModel *self, const ScopeSettingInfo *info)
{
  return row_of (self, info)->flags;
}

gboolean
scope_model_set_flags (ScopeModel *self, const ScopeSettingInfo *info, NMSettingSecretFlags flags)
{
  Row *row = row_of (self, info);

  if (row->flags == flags)
    return FALSE;
  row->flags = flags;
  return TRUE;
}

const char *
scope_model_get_derived (ScopeModel *self)
{
  return *self->derived ? self->derived : NULL;
}

const char *
scope_model_why (ScopeModel *self, const ScopeSettingInfo *info)
{
  return row_of (self, info)->why;
}

gboolean
scope_model_is_touched (ScopeModel *self, const ScopeSettingInfo *info)
{
  return row_touched (row_of (self, info)) || row_flags_touched (row_of (self, info));
}

gboolean
scope_model_get_autoconnect (ScopeModel *self)
{
  return self->autoconnect;
}

void
scope_model_set_autoconnect (ScopeModel *self, gboolean autoconnect)
{
  self->autoconnect = autoconnect;
  self->autoconnect_set = TRUE;
}

/* --- back into the connection --- */

static void
put (NMSettingVpn *vpn, const char *name, const char *value)
{
  nm_setting_vpn_remove_data_item (vpn, name);
  if (value && *value)
    nm_setting_vpn_add_data_item (vpn, name, value);
}

static void
put_secret (const ScopeModel *self, NMSettingVpn *vpn, const ScopeSettingInfo *info, const Row *row)
{
  g_autofree char *name = g_strconcat (info->name, "-flags", NULL);
  gboolean touched = row_touched (row) || row_flags_touched (row);

  /* Flags are explicit for what is made here, and left alone where nobody said anything else. */
  if (touched || (self->is_new && g_str_equal (info->name, SCOPE_SETTING_PRIVATE_KEY)))
    {
      g_autofree char *flags = g_strdup_printf ("%u", row->flags);
      put (vpn, name, flags);
    }
  else
    put (vpn, name, row->had_flags);
  nm_setting_vpn_remove_secret (vpn, info->name);
  if (*row->text && (!touched || is_kept (row->flags)))
    nm_setting_vpn_add_secret (vpn, info->name, row->text);
}

static void
change_dns_priority (NMConnection *connection, NMSettingIPConfig *ip, GType type, int from, int to)
{
  if (!ip)
    {
      ip = g_object_new (type, NM_SETTING_IP_CONFIG_METHOD, NM_SETTING_IP4_CONFIG_METHOD_AUTO, NULL);
      nm_connection_add_setting (connection, NM_SETTING (ip));
    }
  if (nm_setting_ip_config_get_dns_priority (ip) == from)
    g_object_set (ip, NM_SETTING_IP_CONFIG_DNS_PRIORITY, to, NULL);
}

/* With an exit nobody but its name servers is to be asked, and only the connection itself can say so. */
static void
put_dns_priority (ScopeModel *self, NMConnection *connection)
{
  const Row *exit = row_named (self, SCOPE_SETTING_EXIT);
  const Row *dns = row_named (self, SCOPE_SETTING_DNS);
  gboolean alone = *exit->text && *dns->text;
  int from = alone ? 0 : SCOPE_EXIT_DNS_PRIORITY, to = alone ? SCOPE_EXIT_DNS_PRIORITY : 0;

  if (!alone && !self->is_alone && !row_touched (exit) && !row_touched (dns))
    return;
  self->is_alone = alone;
  change_dns_priority (connection, nm_connection_get_setting_ip4_config (connection), NM_TYPE_SETTING_IP4_CONFIG, from, to);
  change_dns_priority (connection, nm_connection_get_setting_ip6_config (connection), NM_TYPE_SETTING_IP6_CONFIG, from, to);
}

static void
put_autoconnect (ScopeModel *self, NMConnection *connection)
{
  NMSettingConnection *s_con = nm_connection_get_setting_connection (connection);

  if (s_con && self->autoconnect_set)
    g_object_set (s_con, NM_SETTING_CONNECTION_AUTOCONNECT, self->autoconnect, NULL);
}

gboolean
scope_model_apply (ScopeModel *self, NMConnection *connection, GError **error)
{
  NMSettingVpn *old = nm_connection_get_setting_vpn (connection);
  NMSettingVpn *vpn;

  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      const char *why = scope_model_why (self, info);
      if (why)
        {
          g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, "%s: %s", _ (info->label), why);
          return FALSE;
        }
    }
  vpn = old ? NM_SETTING_VPN (nm_setting_duplicate (NM_SETTING (old))) : NM_SETTING_VPN (nm_setting_vpn_new ());
  g_object_set (vpn, NM_SETTING_VPN_SERVICE_TYPE, SCOPE_NM_SERVICE, NULL);
  if (self->is_new)
    g_object_set (vpn, NM_SETTING_VPN_PERSISTENT, TRUE, NULL); /* it survives the loss of its base connection */
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      const Row *row = row_of (self, info);

      if (info->secret)
        put_secret (self, vpn, info, row);
      else
        put (vpn, info->name, row->text);
    }
  nm_connection_add_setting (connection, NM_SETTING (vpn));
  put_dns_priority (self, connection);
  put_autoconnect (self, connection);
  return TRUE;
}
