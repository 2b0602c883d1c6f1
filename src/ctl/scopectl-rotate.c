/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl rotate: new preshared keys with every peer, from here. */
#include "config.h"

#include "ctl/scopectl.h"

#include "ctl/ctl-options.h"
#include "ctl/ctl-service.h"

#include <glib/gi18n-lib.h>

#define VERB "rotate"

static gboolean
run (const char *network, gboolean now, GError **error)
{
  g_autoptr (GPtrArray) services = ctl_services_find (network, error);

  for (guint i = 0; services && i < services->len; i++)
    {
      g_autoptr (GVariant) answer =
          ctl_service_call (services->pdata[i], "Rotate", g_variant_new ("(b)", now), error);

      if (!answer)
        return FALSE;
    }
  return services != NULL;
}

int
scopectl_rotate (int argc, char **argv)
{
  gboolean now = FALSE;
  const GOptionEntry entries[] = {
    { "now", 0, 0, G_OPTION_ARG_NONE, &now, N_ ("Within a second; costs the packets of two round trips"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Makes new preshared keys with every peer of the network that is up on this machine. They are in\n"
                              "use from WireGuard's own next handshake on, within two or three minutes, without a lost packet."),
                          entries, argc, argv, 1, 1, &rest))
    return CTL_USAGE;
  if (!ctl_check_network (rest[0], &error))
    return ctl_usage (VERB, error->message);
  return run (rest[0], now, &error) ? CTL_OK : ctl_failure (VERB, error);
}
