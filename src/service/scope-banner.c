/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "service/scope-banner.h"

#include "common/scope-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define STATUS_MAX (64 * 1024 * 1024)

/* "10.77.0.1, fd77::1" */
static char *
addresses_of (JsonObject *status)
{
  JsonArray *array = scope_json_get_array (status, "addresses");
  GString *text = g_string_new (NULL);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      const char *prefix = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

      if (prefix)
        g_string_append_printf (text, "%s%.*s", text->len ? ", " : "", (int) strcspn (prefix, "/"), prefix);
    }
  return g_string_free (text, FALSE);
}

static void
count (JsonObject *status, guint *all, guint *online, guint *direct, guint *relayed)
{
  JsonArray *array = scope_json_get_array (status, "peers");

  *all = *online = *direct = *relayed = 0;
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *peer = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *path = peer ? scope_json_get_string (peer, "path") : NULL;
      JsonNode *is_online = peer ? json_object_get_member (peer, "online") : NULL;

      if (!peer)
        continue;
      ++*all;
      *online += is_online && JSON_NODE_HOLDS_VALUE (is_online) && json_node_get_boolean (is_online);
      *direct += g_strcmp0 (path, "direct") == 0;
      *relayed += path && !g_str_equal (path, "direct") && !g_str_equal (path, "none");
    }
}

char *
scope_banner_new (const char *text)
{
  g_autoptr (JsonObject) status = scope_json_parse_object (text, strlen (text), STATUS_MAX, NULL);
  const char *network = status ? scope_json_get_string (status, "network") : NULL;
  g_autofree char *addresses = status ? addresses_of (status) : NULL;
  GString *banner;
  guint all, online, direct, relayed;

  if (!network || !*addresses)
    return NULL;
  banner = g_string_new (NULL);
  /* nmcli (1.42) shows what is not ASCII as \nnn: no quotes, then. */
  g_string_append_printf (banner, _ ("Network %s: this computer is %s."), network, addresses);
  count (status, &all, &online, &direct, &relayed);
  if (all)
    {
      g_string_append_c (banner, ' ');
      if (direct || relayed)
        g_string_append_printf (banner, _ ("Others online: %u of %u (direct %u, by relays %u)."), online, all, direct, relayed);
      else
        g_string_append_printf (banner, _ ("Others online: %u of %u."), online, all);
    }
  return g_string_free (banner, FALSE);
}
