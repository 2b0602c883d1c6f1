/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine's kernel and firewall say of themselves: a route message (first byte even), nft's rules. */
#include "tunnel/scope-firewall.h"
#include "tunnel/scope-routes.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size < 1)
    return 0;
  if (data[0] % 2 == 0)
    {
      g_autofree guint32 *message = g_malloc0 (size + 3); /* aligned, as from the kernel */
      ScopeRoute route;

      memcpy (message, data + 1, size - 1);
      if (scope_routes_parse (&route, message, size - 1))
        g_assert_cmpuint (route.to.len, <=, route.to.family == AF_INET ? 32 : 128);
    }
  else
    {
      g_auto (GStrv) lines = scope_firewall_read ((const char *) data + 1, size - 1, "home", NULL);

      for (guint i = 0; lines && lines[i]; i++)
        g_assert_nonnull (strstr (lines[i], "iifname home"));
    }
  return 0;
}
