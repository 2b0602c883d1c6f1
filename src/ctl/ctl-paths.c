/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl-paths.h"

#include "common/scope-json.h"

ScopeV1Message *
ctl_paths_parse (const char *answer, gsize len, gsize max)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (answer, len, max, NULL);
  JsonNode *node = object ? json_object_get_member (object, "paths") : NULL;
  g_autofree char *text = node ? json_to_string (node, FALSE) : NULL;
  g_autoptr (GString) frame = g_string_new ("{\"t\":\"paths\",\"d\":");

  if (!text)
    return NULL;
  g_string_append (frame, text);
  g_string_append_c (frame, '}');
  return scope_v1_parse (frame->str, frame->len, SCOPE_V1_TO_PEER_MAX, NULL, NULL);
}

gboolean
ctl_paths_has (const ScopeV1Message *paths, const ScopeKey *relay)
{
  for (guint i = 0; i < paths->relays->len; i++)
    if (scope_key_equal (&g_array_index (paths->relays, ScopeKey, i), relay))
      return TRUE;
  return FALSE;
}
