/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl peers: who is in the network, as far as it is signed; what is not good is marked. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-paths.h"
#include "ctl/ctl-roster.h"
#include "ctl/ctl-table.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "peers"

/* --- the way to it --- */

static const CtlPeer *
find_key (GPtrArray *peers, const ScopeKey *key)
{
  for (guint i = 0; i < peers->len; i++)
    {
      const CtlPeer *peer = peers->pdata[i];
      if (scope_key_equal (&peer->entry->key, key))
        return peer;
    }
  return NULL;
}

/*
 * The relay that @from names, else the first one: masters come first. NULL: no relay is there. @paths: (nullable)
 */
static const CtlPeer *
choose_viewpoint (GPtrArray *peers, const ScopeV1Message *paths, const char *from, GError **error)
{
  for (guint i = 0; paths && i < peers->len; i++)
    {
      const CtlPeer *peer = peers->pdata[i];
      if (ctl_paths_has (paths, &peer->entry->key) && (!from || ctl_peer_is_called (peer, from)))
        return peer;
    }
  if (from)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--from: no relay that is online is called “%s”"), from);
  return NULL;
}

static char *
called (const CtlPeer *peer)
{
  char key[SCOPE_KEY_BASE64_LEN + 1];

  if (!peer->grant)
    return g_strdup_printf ("(%.6s…)", scope_key_to_base64 (&peer->entry->key, key));
  if (peer->grant->name)
    return g_strdup (peer->grant->name);
  return g_strndup (scope_identity_public_fingerprint (peer->grant->identity), SCOPE_SHORT_NAME_LEN);
}

/* The relay before it: of a relay the third one, of an edge the one that it is attached to; NULL for none */
static const ScopeKey *
source (const CtlPeer *peer)
{
  if (peer->least)
    return scope_key_is_zero (&peer->least->source) ? NULL : &peer->least->source;
  return peer->record && !scope_key_is_zero (&peer->record->attachment) ? &peer->record->attachment : NULL;
}

/* --- printing --- */

static const char *
endpoint (const CtlPeer *peer)
{
  if (peer->entry->observed && peer->entry->observed[0])
    return peer->entry->observed[0];
  return peer->record && peer->record->endpoints ? peer->record->endpoints[0] : NULL;
}

static char *
ago (gint64 seen, gint64 now)
{
  gint64 seconds = MAX (0, now - seen / 1000);

  if (seen <= 0)
    return g_strdup (_ ("never"));
  if (seconds < 120)
    return g_strdup_printf (_ ("%d s ago"), (int) seconds);
  if (seconds < 2 * 3600)
    return g_strdup_printf (_ ("%d min ago"), (int) (seconds / 60));
  if (seconds < 2 * 24 * 3600)
    return g_strdup_printf (_ ("%d h ago"), (int) (seconds / 3600));
  return g_strdup_printf (_ ("%d days ago"), (int) (seconds / (24 * 3600)));
}

static char *
role (const CtlPeer *peer)
{
  if (!peer->grant)
    return NULL;
  return g_strconcat (scope_role_to_string (peer->record ? peer->record->role : peer->grant->role),
                      peer->entry->pipe ? " (pipe)" : "", NULL);
}

static void
print_table (GPtrArray *peers, const CtlPeer *from, gint64 now)
{
  const char *const plain[] = { _ ("PEER"), _ ("NAME"),     _ ("ROLE"), _ ("ADDRESSES"),
                                _ ("SEEN"), _ ("ENDPOINT"), _ ("PQ"),   _ ("SIGNED"),    NULL };
  const char *const with_paths[] = { _ ("PEER"), _ ("NAME"),        _ ("ROLE"), _ ("ADDRESSES"), _ ("SEEN"), _ ("ENDPOINT"),
                                     _ ("SUM"),  _ ("LEASTSOURCE"), _ ("PQ"),   _ ("SIGNED"),    NULL };
  const char *const *headings = from ? with_paths : plain;
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autofree char *text = NULL;

  for (guint i = 0; i < peers->len; i++)
    {
      const CtlPeer *peer = peers->pdata[i];
      char key[SCOPE_KEY_BASE64_LEN + 1];
      g_autofree char *who = peer->grant
          ? g_strndup (scope_identity_public_fingerprint (peer->grant->identity), SCOPE_SHORT_NAME_LEN)
          : g_strdup_printf ("(%.6s…)", scope_key_to_base64 (&peer->entry->key, key));
      g_autofree char *what = role (peer);
      g_autofree char *ranges = peer->grant ? scope_prefix_format_list (peer->grant->ranges) : NULL;
      g_autofree char *seen = peer->entry->online ? g_strdup (_ ("online")) : ago (peer->entry->seen, now);
      g_autofree char *problem = peer->problem ? g_strdup_printf (_ ("NOT GOOD: %s"), peer->problem) : NULL;

      ctl_table_add (table, who);
      ctl_table_add (table, peer->grant ? peer->grant->name : NULL);
      ctl_table_add (table, what);
      ctl_table_add (table, ranges);
      ctl_table_add (table, seen);
      ctl_table_add (table, endpoint (peer));
      if (from)
        {
          const ScopeKey *before = source (peer);
          const CtlPeer *relay = before ? find_key (peers, before) : NULL;
          g_autofree char *sum = peer->least ? g_strdup_printf (_ ("%u ms"), peer->least->sum) : NULL;
          g_autofree char *over = relay ? called (relay) : NULL;

          ctl_table_add (table, sum);
          ctl_table_add (table, over);
        }
      ctl_table_add (table, peer->record ? scope_pq_to_string (peer->record->pq) : NULL);
      ctl_table_add (table, problem ? problem : peer->record ? _ ("good") : _ ("grant good, no record"));
    }
  text = ctl_table_format (table);
  g_print ("%s", text);
  if (from)
    {
      g_autofree char *name = called (from);
      g_printerr (_ ("SUM and LEASTSOURCE are as seen from %s.\n"), name);
    }
  if (peers->len == 0)
    g_printerr (_ ("No peer has come yet.\n"));
}

static void
append_peer (GString *out, const CtlPeer *peer)
{
  g_string_append (out, "{");
  scope_fields_put_key (out, "key", &peer->entry->key);
  if (peer->grant)
    {
      scope_fields_put_string (out, "fingerprint", scope_identity_public_fingerprint (peer->grant->identity));
      if (peer->grant->name)
        scope_fields_put_string (out, "name", peer->grant->name);
      scope_fields_put_string (out, "role",
                               scope_role_to_string (peer->record ? peer->record->role : peer->grant->role));
      scope_fields_put_prefixes (out, "ranges", peer->grant->ranges);
      scope_fields_put_integer (out, "expires", peer->grant->expires);
    }
  if (peer->record)
    {
      scope_fields_put_strings (out, "endpoints", peer->record->endpoints);
      scope_fields_put_string (out, "pq", scope_pq_to_string (peer->record->pq));
      if (!scope_key_is_zero (&peer->record->attachment))
        scope_fields_put_key (out, "attachment", &peer->record->attachment);
    }
  scope_fields_put_strings (out, "observed", peer->entry->observed);
  scope_fields_put_boolean (out, "online", peer->entry->online);
  scope_fields_put_integer (out, "seen", MAX (0, peer->entry->seen));
  scope_fields_put_string (out, "tier", peer->entry->pipe ? "pipe" : "relay");
  if (peer->least)
    {
      gboolean direct = scope_key_is_zero (&peer->least->source);

      scope_fields_put_integer (out, "sum", peer->least->sum);
      scope_fields_put_string (out, "mode", direct ? "direct" : "leastSum");
      if (!direct)
        scope_fields_put_key (out, "leastSource", &peer->least->source);
    }
  scope_fields_put_boolean (out, "good", !peer->problem);
  if (peer->problem)
    scope_fields_put_string (out, "problem", peer->problem);
  g_string_append_c (out, '}');
}

static void
print_json (GPtrArray *peers)
{
  g_autoptr (GString) out = g_string_new ("[");

  for (guint i = 0; i < peers->len; i++)
    {
      g_string_append (out, i ? ",\n " : "\n ");
      append_peer (out, peers->pdata[i]);
    }
  g_print ("%s%s]\n", out->str, peers->len ? "\n" : "");
}

static gboolean
run (const char *name, const CtlRootOptions *options, const char *viewpoint, gboolean json, GError **error)
{
  g_autoptr (CtlRoot) root = ctl_root_load (name, options, error);
  g_autoptr (CtlRegistry) registry = root ? ctl_registry_new (root->registry, name, options->ca, error) : NULL;
  g_autoptr (CtlRoster) roster = registry ? ctl_roster_fetch (VERB, root, registry, options, error) : NULL;
  g_autoptr (GHashTable) ways = NULL;
  g_autoptr (GError) why = NULL;
  const CtlPeer *from;

  if (!roster)
    return FALSE;
  from = choose_viewpoint (roster->peers, roster->paths, viewpoint, &why);
  if (why)
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  ways = from ? scope_least_from (roster->paths->links, &from->entry->key) : NULL;
  for (guint i = 0; ways && i < roster->peers->len; i++)
    {
      CtlPeer *peer = roster->peers->pdata[i];
      peer->least = g_hash_table_lookup (ways, &peer->entry->key);
    }
  if (json)
    print_json (roster->peers);
  else
    print_table (roster->peers, from, g_get_real_time () / G_USEC_PER_SEC);
  return TRUE;
}

int
scopectl_peers (int argc, char **argv)
{
  CtlRootOptions common = { NULL };
  g_autofree char *from = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    CTL_ROOT_ENTRIES (common),
    { "from", 0, 0, G_OPTION_ARG_STRING, &from, N_ ("Relay that ways begin at: name, fingerprint or key (else: the first one)"), N_ ("PEER") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Lists the peers that the registry knows. Names, roles and addresses are as the root key or its\n"
                              "delegate granted them; SEEN, ENDPOINT and the rest are what the registry says: a relay marked (pipe) is badly\n"
                              "connected; SUM is the round trip from one relay to another, LEASTSOURCE the relay in between,\n"
                              "or the one that an edge is attached to."),
                          entries, argc, argv, 1, 1, &rest))
    status = CTL_USAGE;
  else if (!ctl_check_network (rest[0], &error))
    status = ctl_usage (VERB, error->message);
  else
    status = run (rest[0], &common, from, json, &error) ? CTL_OK : ctl_failure (VERB, error);
  ctl_root_options_clear (&common);
  return status;
}
