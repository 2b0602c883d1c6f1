/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl grant: the root says itself who may be in the network, and as what. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-roster.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "grant"
#define DAY (24 * 3600)
#define IDENTITY_FILE_MAX 8192

typedef struct {
  CtlRootOptions common;
  char *peer;
  char *identity;
  char *key;
  char **ranges;
  char *role;
  char *name;
  char *output;
  int days;

  const char *network;
  ScopeGrant grant; /* owns identity, ranges and name */
} Grant;

static void
grant_clear (Grant *g)
{
  ctl_root_options_clear (&g->common);
  g_free (g->peer);
  g_free (g->identity);
  g_free (g->key);
  g_strfreev (g->ranges);
  g_free (g->role);
  g_free (g->name);
  g_free (g->output);
  g_clear_pointer (&g->grant.identity, scope_identity_public_unref);
  g_clear_pointer (&g->grant.ranges, g_array_unref);
  g_free (g->grant.name);
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
is_address (const ScopePrefix *range)
{
  return range->len == (range->family == AF_INET ? 32 : 128);
}

static gboolean
has_address (const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    if (is_address (&g_array_index (ranges, ScopePrefix, i)))
      return TRUE;
  return FALSE;
}

static gboolean
check_key (Grant *g, GError **error)
{
  if (!g->key)
    return missing ("--key", error);
  if (!scope_key_parse (&g->grant.key, g->key))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                           _ ("--key: not a WireGuard public key (44 characters of base64)"));
      return FALSE;
    }
  return TRUE;
}

static gboolean
check (Grant *g, GError **error)
{
  if (!ctl_check_network (g->network, error))
    return FALSE;
  if (g->peer && (g->identity || g->key))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: not together with --peer, which the registry knows"),
                   g->identity ? "--identity" : "--key");
      return FALSE;
    }
  if (!g->peer && (!parse_identity (g, error) || !check_key (g, error)))
    return FALSE;
  if (!g->peer || g->ranges)
    g->grant.ranges = ctl_parse_prefixes ("--range", g->ranges, SCOPE_GRANT_MAX_RANGES, error);
  if (!g->grant.ranges && !(g->peer && !g->ranges))
    return FALSE;
  if (!g->peer && !has_address (g->grant.ranges))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                           _ ("--range: none of them is a single address (/32 or /128), so the peer would have none"));
      return FALSE;
    }
  if (g->role && !ctl_parse_role (g->role, &g->grant.role, error))
    return FALSE;
  return ctl_check_name (g->name, error) && ctl_check_number ("--days", g->days, 1, 36500, error);
}

/* --- a peer that is there already --- */

/* By its whole fingerprint, or by a name that nobody else has. */
static const CtlPeer *
find_peer (const CtlRoster *roster, const char *text, GError **error)
{
  const CtlPeer *found = NULL;

  for (guint i = 0; i < roster->peers->len; i++)
    {
      const CtlPeer *peer = roster->peers->pdata[i];

      if (!peer->grant || g_strcmp0 (text, scope_fingerprint_valid (text) ? scope_identity_public_fingerprint (peer->grant->identity)
                                                                          : peer->grant->name) != 0)
        continue;
      if (found)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                       _ ("--peer: there are several that are called “%s”; give the fingerprint, see “scopectl peers --json”"), text);
          return NULL;
        }
      found = peer;
    }
  if (!found)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                 _ ("--peer: nobody who has been there is called “%s”; a name, or a whole fingerprint, as “scopectl peers --json” "
                    "prints them"), text);
  else if (found->problem)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("--peer: %s is not good: %s"), text, found->problem);
  /* That this is its WireGuard key only the root, or the peer itself, can say; not who let it in. */
  else if (!found->record && !found->grant->by_root)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("--peer: %s has not signed anything yet; bring it up once"), text);
  else
    return found;
  return NULL;
}

/* It stays as it is in all that was not given; its addresses stay anyway. */
static gboolean
take_over (Grant *g, const CtlPeer *peer, GError **error)
{
  g_autoptr (GArray) behind = g_steal_pointer (&g->grant.ranges);

  g->grant.identity = scope_identity_public_ref (peer->grant->identity);
  g->grant.key = peer->grant->key;
  if (!g->role)
    g->grant.role = peer->grant->role;
  g->grant.name = g_strdup (g->name ? g->name : peer->grant->name);
  g->grant.ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < peer->grant->ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (peer->grant->ranges, ScopePrefix, i);
      if (!behind || is_address (range))
        g_array_append_vals (g->grant.ranges, range, 1);
    }
  for (guint i = 0; behind && i < behind->len; i++)
    {
      const ScopePrefix *range = &g_array_index (behind, ScopePrefix, i);
      gboolean there = FALSE;

      for (guint r = 0; r < g->grant.ranges->len && !there; r++)
        there = scope_prefix_equal (range, &g_array_index (g->grant.ranges, ScopePrefix, r));
      if (!there)
        g_array_append_vals (g->grant.ranges, range, 1);
    }
  if (g->grant.ranges->len <= SCOPE_GRANT_MAX_RANGES)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--range: with its addresses these are more than %d"), SCOPE_GRANT_MAX_RANGES);
  return FALSE;
}

/* The time that the grant is issued at, 0 on error: it must be later than the one that it replaces. */
static gint64
look_up (Grant *g, CtlRoot *root, CtlRegistry *registry, GError **error)
{
  g_autoptr (CtlRoster) roster = ctl_roster_fetch (VERB, root, registry, &g->common, error);
  const CtlPeer *peer = roster ? find_peer (roster, g->peer, error) : NULL;

  if (!peer || !take_over (g, peer, error))
    return 0;
  return MAX (g_get_real_time () / G_USEC_PER_SEC, peer->grant->issued + 1);
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
      ((g->peer || !g->output) && !(registry = ctl_registry_new (root->registry, g->network, g->common.ca, error))))
    return FALSE;
  if (g->peer)
    {
      if (!(g->grant.issued = look_up (g, root, registry, error)))
        return FALSE;
    }
  else if (!ctl_root_unlock (root, &g->common, error))
    return FALSE;
  else
    {
      g->grant.name = g_strdup (g->name);
      g->grant.issued = g_get_real_time () / G_USEC_PER_SEC;
    }

  g->grant.network = (char *) g->network;
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
    { "peer", 0, 0, G_OPTION_ARG_STRING, &g.peer,
      N_ ("One that is there already, by name or fingerprint; what is not given stays as it is"), N_ ("PEER") },
    { "identity", 0, 0, G_OPTION_ARG_STRING, &g.identity, N_ ("The peer's public identity; @FILE takes it from a file"), N_ ("IDENTITY") },
    { "key", 0, 0, G_OPTION_ARG_STRING, &g.key, N_ ("Its WireGuard public key"), N_ ("KEY") },
    { "range", 0, 0, G_OPTION_ARG_STRING_ARRAY, &g.ranges,
      N_ ("Its address (10.77.0.5/32), and networks behind it; give it again for more"), N_ ("PREFIX") },
    { "role", 0, 0, G_OPTION_ARG_STRING, &g.role, N_ ("edge, relay or master [edge, or as it was]"), N_ ("ROLE") },
    { "name", 0, 0, G_OPTION_ARG_STRING, &g.name, N_ ("What people call it"), N_ ("NAME") },
    { "days", 0, 0, G_OPTION_ARG_INT, &g.days, N_ ("How long [365]"), N_ ("N") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &g.output, N_ ("Write the grant here instead of sending it to the registry"), N_ ("FILE") },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Signs that a peer may be in the network with this key, these addresses and this role, and\n"
                              "sends that to the registry. With --peer, who is in already gets another role, or networks\n"
                              "behind it."),
                          entries, argc, argv, 1, 1, &rest))
    return CTL_USAGE;
  g.network = rest[0];
  if (!check (&g, &error))
    return ctl_usage (VERB, error->message);
  return run (&g, &error) ? CTL_OK : ctl_failure (VERB, error);
}
