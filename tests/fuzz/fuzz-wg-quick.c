/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a service says, into a file for wg-quick: nothing of it becomes a line that we did not mean. */
#include "config.h"

#include "common/scope-json.h"
#include "common/scope-wg-quick.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static gboolean
known (const char *line)
{
  static const char *const begin[] = { "#", "Address = ", "PublicKey = ", "AllowedIPs = ", "Endpoint = ", "PersistentKeepalive = " };
  static const char *const whole[] = { "", "[Interface]", "[Peer]", "[Peer] # the network's root",
                                       "PostUp = wg set %i private-key /etc/wireguard/%i.key", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (begin); i++)
    if (g_str_has_prefix (line, begin[i]))
      return TRUE;
  return g_strv_contains (whole, line);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (JsonObject) status = scope_json_parse_object ((const char *) data, size, 1 << 20, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = status ? scope_wg_quick_format (NULL, status, NULL, 0, &error) : NULL;
  g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;

  if (!status)
    return 0;
  g_assert_true (text ? !error : error && *error->message);
  for (char **line = lines; line && *line; line++)
    g_assert_true (known (*line));
  return 0;
}
