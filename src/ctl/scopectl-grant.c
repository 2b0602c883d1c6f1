/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl grant: the root says itself who may be in the network, and as what. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "grant"
#define DAY (24 * 3600)
#define IDENTITY_FILE_MAX 8192

typedef struct {
  CtlRootOptions common;
  char *identity;
  char *key;
  char **ranges;
  char *role;
  char *name;
  char *output;
  int days;

  const char *network;
  ScopeGrant grant; /* owns identity and ranges */
} Grant;

static void
grant_clear (Grant *g)
{
  ctl_root_options_clear (&g->common);
  g_free (g->identity);
  g_free (g->key);
  g_strfreev (g->ranges);
  g_free (g->role);
  g_free (g->name);
  g_free (g->output);
  g_clear_pointer (&g->grant.identity, scope_identity_public_unref);
  g_clear_pointer (&g->grant.ranges, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Grant, grant_clear)

static gboolean
missing (const char *option, GError **error)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: missing"), option);
  return FALSE;
}

static gboolean
parse_identity (Grant *g, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) why = NULL;
  gsize len;

  if (!g->identity)
    return missing ("--identity", error);
  if (*g->identity == '@')
    {
      if (!(text = ctl_file_read (g->identity + 1, IDENTITY_FILE_MAX, &len, &why)))
        {
          g_propagate_prefixed_error (error, g_steal_pointer (&why), "--identity: ");
          return FALSE;
        }
      g_strstrip (text);
    }
  g->grant.identity = scope_identity_public_parse (text ? text : g->identity, &why);
  if (g->grant.identity)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("--identity: %s, as “scopectl keygen --identity” prints them; @FILE takes them from a file"), why->message);
  return FALSE;
}

static gboolean
has_address (const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);
      if (range->len == (range->family == AF_INET ? 32 : 128))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check (Grant *g, GError **error)
{
  if (!ctl_check_network (g->network, error) || !parse_identity (g, error))
    return FALSE;
  if (!g->key)
    return missing ("--key", error);
  if (!scope_key_parse (&g->grant.key, g->key))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                           _ ("--key: not a WireGuard public key (44 characters of base64)"));
      return FALSE;
    }
  g->grant.ranges = ctl_parse_prefixes ("--range", g->ranges, SCOPE_GRANT_MAX_RANGES, error);
  if (!g->grant.ranges)
    return FALSE;
  if (!has_address (g->grant.ranges))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                           _ ("--range: none of them is a single address (/32 or /128), so the peer would have none"));
      return FALSE;
    }
  if (g->role && !ctl_parse_role (g->role, &g->grant.role, error))
    return FALSE;
  return ctl_check_name (g->name, error) && ctl_check_number ("--days", g->days, 1, 36500, error);
}

static gboolean
run (Grant *g, GError **error)
{
  g_autoptr (CtlRoot) root = NULL;
  g_autoptr (CtlRegistry) registry = NULL;
  g_autofree char *payload = NULL, *envelope = NULL;
  g_autoptr (GBytes) answer = NULL;

  if (g->output && !ctl_file_is_free (g->output, error))
    return FALSE;
  if (!(root = ctl_root_load (g->network, &g->common, error)) ||
      (!g->output && !(registry = ctl_registry_new (root->registry, g->network, g->common.ca, error))) ||
      !ctl_root_unlock (root, &g->common, error))
    return FALSE;

  g->grant.network = (char *) g->network;
  g->grant.name = g->name;
  g->grant.issued = g_get_real_time () / G_USEC_PER_SEC;
  g->grant.expires = g->grant.issued + (gint64) g->days * DAY;
  payload = scope_grant_format (&g->grant);
  envelope = scope_jws_sign (root->identity, SCOPE_TYP_GRANT, payload, error);
  if (!envelope || !(g->output ? ctl_file_create (g->output, envelope, error)
                               : (answer = ctl_registry_post (registry, envelope, NULL, error)) != NULL))
    return FALSE;
  g_print (g->output ? _ ("%s: granted for %d days, written to %s\n") : _ ("%s: granted for %d days\n"),
           scope_identity_public_fingerprint (g->grant.identity), g->days, g->output);
  return TRUE;
}

int
scopectl_grant (int argc, char **argv)
{
  g_auto (Grant) g = { .days = 365 };
  const GOptionEntry entries[] = {
    CTL_ROOT_ENTRIES (g.common),
    { "identity", 0, 0, G_OPTION_ARG_STRING, &g.identity, N_ ("The peer's public identity; @FILE takes it from a file"), N_ ("IDENTITY") },
    { "key", 0, 0, G_OPTION_ARG_STRING, &g.key, N_ ("Its WireGuard public key"), N_ ("KEY") },
    { "range", 0, 0, G_OPTION_ARG_STRING_ARRAY, &g.ranges,
      N_ ("Its address (10.77.0.5/32), and networks behind it; give it again for more"), N_ ("PREFIX") },
    { "role", 0, 0, G_OPTION_ARG_STRING, &g.role, N_ ("edge, relay or master [edge]"), N_ ("ROLE") },
    { "name", 0, 0, G_OPTION_ARG_STRING, &g.name, N_ ("What people call it"), N_ ("NAME") },
    { "days", 0, 0, G_OPTION_ARG_INT, &g.days, N_ ("How long [365]"), N_ ("N") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &g.output, N_ ("Write the grant here instead of sending it to the registry"), N_ ("FILE") },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Signs that a peer may be in the network with this key, these addresses and this role, and\n"
                              "sends that to the registry."),
                          entries, argc, argv, 1, 1, &rest))
    return CTL_USAGE;
  g.network = rest[0];
  if (!check (&g, &error))
    return ctl_usage (VERB, error->message);
  return run (&g, &error) ? CTL_OK : ctl_failure (VERB, error);
}
