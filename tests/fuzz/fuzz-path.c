/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz-path: what peers say about paths, as the body of each message: what is taken is written and read again as the same;
 * and a relay and an edge that hear it, from both kinds, are none the worse.
 */
#include "path/scope-path.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

#define MAX_BYTES 4096

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static ScopeKey
key (guint i)
{
  return (ScopeKey) { { i + 1 } };
}

/* Peers 0 to 3 are relays, 4 to 7 edges; @own hears @message from all others, twice. */
static void
hear (guint own, const ScopePathMessage *message)
{
  ScopeKey self = key (own);
  g_autoptr (ScopePath) path = scope_path_new (&self, own < 4 ? SCOPE_ROLE_RELAY : SCOPE_ROLE_EDGE, 1);
  ScopePathSend send;
  gint64 now = 1000;

  for (guint i = 0; i < 8; i++)
    {
      ScopePathMember member = { .key = key (i), .role = i < 4 ? SCOPE_ROLE_RELAY : SCOPE_ROLE_EDGE, .online = TRUE };

      scope_path_member (path, now, &member);
      if (i != 2 && i != own)
        scope_path_link_up (path, now, &member.key, 20);
    }
  for (guint i = 0; i < 16; i++)
    {
      ScopeKey from = key (i % 8), dest = key ((i + 1) % 8);
      guint n = 0;

      if (i == 8)
        scope_path_link_down (path, now, &from);
      scope_path_handle (path, now, &from, i % 3 == 0, message);
      while (scope_path_pop (path, &send))
        g_assert_cmpuint (n++, <, 100);
      scope_path_next_hop (path, &dest);
      scope_path_way (path, &dest);
      now += 100;
      scope_path_tick (path, now);
    }
  g_assert_cmpint (scope_path_deadline (path), >, now - 1);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) body = scope_json_parse_object ((const char *) data, size, MAX_BYTES, NULL);

  for (guint type = 0; body && scope_path_message_name (type); type++)
    {
      const char *name = scope_path_message_name (type);
      ScopePathMessage message, again;
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) written = NULL;

      if (!scope_path_message_parse (&message, name, body, &error))
        {
          g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
          g_assert_nonnull (strstr (error->message, name));
          continue;
        }
      written = scope_path_message_format (&message);
      g_assert_true (scope_path_message_parse (&again, name, written, NULL));
      g_assert_true (memcmp (&message, &again, sizeof message) == 0);
      hear (0, &message);
      hear (3, &message);
      hear (4, &message);
      hear (7, &message);
    }
  return 0;
}
