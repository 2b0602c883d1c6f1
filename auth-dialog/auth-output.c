/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "auth-dialog/auth-output.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define UI_GROUP "VPN Plugin UI"

char *
auth_output_external (const AuthRequest *request)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();

  g_key_file_set_integer (file, UI_GROUP, "Version", 2);
  g_key_file_set_string (file, UI_GROUP, "Description", request->message);
  g_key_file_set_string (file, UI_GROUP, "Title", _ ("Authentication required"));
  for (guint i = 0; i < request->secrets->len; i++)
    {
      const AuthSecret *secret = g_ptr_array_index (request->secrets, i);

      g_key_file_set_string (file, secret->name, "Value", secret->value ? secret->value : "");
      g_key_file_set_string (file, secret->name, "Label", secret->label);
      g_key_file_set_boolean (file, secret->name, "IsSecret", TRUE);
      g_key_file_set_boolean (file, secret->name, "ShouldAsk", secret->ask);
    }
  return g_key_file_to_data (file, NULL, NULL);
}

char *
auth_output_legacy (const AuthRequest *request)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < request->secrets->len; i++)
    {
      const AuthSecret *secret = g_ptr_array_index (request->secrets, i);

      if (secret->value && *secret->value && !strchr (secret->value, '\n'))
        g_string_append_printf (out, "%s\n%s\n", secret->name, secret->value);
    }
  g_string_append (out, "\n\n");
  return g_string_free (out, FALSE);
}
