/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-invite.h"

#include "common/scope-invite-file.h"
#include "common/scope-settings.h"
#include "scope-import.h"

#include <glib/gi18n-lib.h>

static void
note_expiry (const ScopeInviteFile *invite, GPtrArray *notes)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (invite->expires);
  g_autoptr (GDateTime) local = g_date_time_to_local (utc);
  g_autofree char *text = g_date_time_format (local, "%Y-%m-%d %H:%M %Z");

  /* A network name: needs no quotes in a shell. */
  g_ptr_array_add (notes, g_strdup_printf (_ ("the invite lets one machine in, until %s: nmcli connection up %s"),
                                           text, invite->network));
}

NMConnection *
scope_invite_decode (const char *data, gsize len, gint64 now, GPtrArray *notes, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ScopeInviteFile) invite = scope_invite_file_parse (data, len, now, notes, &why);
  g_autoptr (NMConnection) connection = NULL;
  NMSettingVpn *vpn;

  if (!invite)
    {
      g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, why->message);
      return NULL;
    }
  connection = scope_import_connection_new (invite->network);
  vpn = nm_connection_get_setting_vpn (connection);
  nm_setting_vpn_add_data_item (vpn, SCOPE_SETTING_REGISTRY, invite->registry);
  nm_setting_vpn_add_data_item (vpn, SCOPE_SETTING_NETWORK, invite->network);
  nm_setting_vpn_add_data_item (vpn, SCOPE_SETTING_ROOT, invite->root);
  if (invite->pq)
    nm_setting_vpn_add_data_item (vpn, SCOPE_SETTING_PQ, invite->pq);
  if (invite->ca)
    nm_setting_vpn_add_data_item (vpn, SCOPE_SETTING_CA, invite->ca);
  nm_setting_vpn_add_secret (vpn, SCOPE_SETTING_TOKEN, invite->token);
  nm_setting_set_secret_flags (NM_SETTING (vpn), SCOPE_SETTING_TOKEN, NM_SETTING_SECRET_FLAG_NONE, NULL);
  if (notes)
    note_expiry (invite, notes);
  return g_steal_pointer (&connection);
}
