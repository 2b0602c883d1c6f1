/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl peers: who is in the network, as far as it is signed; what is not good is marked. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-paths.h"
#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"
#include "ctl/ctl-table.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "peers"
#define ROSTER_MAX (256 * 1024 * 1024)

/*
 * @grant, @record: (nullable): what is good; @problem: (nullable): the first thing that is not;
 * @least: (nullable): how a relay is reached from the one that was asked for; borrowed
 */
typedef struct {
  const ScopeV1Entry *entry;
  ScopeGrant *grant;
  ScopeRecord *record;
  char *problem;
  const ScopeLeast *least;
} Peer;

static void
peer_free (Peer *peer)
{
  g_clear_pointer (&peer->grant, scope_grant_free);
  g_clear_pointer (&peer->record, scope_record_free);
  g_free (peer->problem);
  g_free (peer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

/* --- judgement --- */

static ScopeGrant *
judge_grant (const ScopeAuthority *authority, const ScopeV1Entry *entry, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (entry->grant, strlen (entry->grant), error);
  g_autoptr (ScopeGrant) grant = jws ? scope_authority_grant (authority, jws, now, error) : NULL;

  if (grant && !scope_key_equal (&grant->key, &entry->key))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("the grant is for another key"));
      return NULL;
    }
  return g_steal_pointer (&grant);
}

static ScopeRecord *
judge_record (const ScopeAuthority *authority, const ScopeV1Entry *entry, const ScopeGrant *grant, gint64 now,
              GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (entry->record, strlen (entry->record), error);
  g_autoptr (ScopeRecord) record =
      jws ? scope_record_verify (jws, scope_authority_network (authority), grant->identity, now, error) : NULL;

  return record && scope_record_granted (record, grant, error) ? g_steal_pointer (&record) : NULL;
}

static Peer *
judge (const ScopeAuthority *authority, const ScopeV1Entry *entry, gint64 now)
{
  g_autoptr (Peer) peer = g_new0 (Peer, 1);
  g_autoptr (GError) why = NULL;

  peer->entry = entry;
  peer->grant = judge_grant (authority, entry, now, &why);
  if (peer->grant && entry->record)
    peer->record = judge_record (authority, entry, peer->grant, now, &why);
  if (why)
    peer->problem = g_strdup (why->message);
  return g_steal_pointer (&peer);
}

/* A range that another peer's grant has the better claim to */
static void
judge_ranges (GPtrArray *peers, Peer *peer)
{
  for (guint i = 0; i < peers->len && !peer->problem; i++)
    {
      const Peer *other = peers->pdata[i];

      if (other == peer || !other->grant || !scope_grant_wins (other->grant, peer->grant))
        continue;
      for (guint r = 0; r < peer->grant->ranges->len && !peer->problem; r++)
        for (guint o = 0; o < other->grant->ranges->len && !peer->problem; o++)
          {
            const ScopePrefix *mine = &g_array_index (peer->grant->ranges, ScopePrefix, r);
            char text[SCOPE_PREFIX_STRLEN];

            if (scope_prefix_equal (mine, &g_array_index (other->grant->ranges, ScopePrefix, o)))
              peer->problem = g_strdup_printf (_ ("%s belongs to %.8s"), scope_prefix_format (mine, text),
                                               scope_identity_public_fingerprint (other->grant->identity));
          }
    }
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const Peer *x = *(Peer **) a, *y = *(Peer **) b;

  if (!x->grant || !y->grant)
    return !x->grant - !y->grant;
  if (x->grant->role != y->grant->role)
    return (int) y->grant->role - (int) x->grant->role;
  return scope_prefix_compare (x->grant->ranges->data, y->grant->ranges->data);
}

static GPtrArray *
judge_all (const ScopeAuthority *authority, const ScopeV1Message *roster, gint64 now)
{
  GPtrArray *peers = g_ptr_array_new_with_free_func ((GDestroyNotify) peer_free);

  for (guint i = 0; roster->peers && i < roster->peers->len; i++)
    g_ptr_array_add (peers, judge (authority, roster->peers->pdata[i], now));
  for (guint i = 0; i < peers->len; i++)
    {
      Peer *peer = peers->pdata[i];
      if (peer->grant && peer->grant->ranges->len)
        judge_ranges (peers, peer);
    }
  g_ptr_array_sort (peers, compare);
  return peers;
}

/* --- the way to it --- */

static const Peer *
find_key (GPtrArray *peers, const ScopeKey *key)
{
  for (guint i = 0; i < peers->len; i++)
    {
      const Peer *peer = peers->pdata[i];
      if (scope_key_equal (&peer->entry->key, key))
        return peer;
    }
  return NULL;
}

static gboolean
is_called (const Peer *peer, const char *text)
{
  const char *fingerprint = peer->grant ? scope_identity_public_fingerprint (peer->grant->identity) : NULL;
  ScopeKey key;

  return (fingerprint && strlen (text) >= SCOPE_SHORT_NAME_LEN && g_str_has_prefix (fingerprint, text)) ||
         (peer->grant && g_strcmp0 (peer->grant->name, text) == 0) ||
         (scope_key_parse (&key, text) && scope_key_equal (&key, &peer->entry->key));
}

/*
 * The relay that @from names, else the first one: masters come first. NULL: no relay is there. @paths: (nullable)
 */
static const Peer *
choose_viewpoint (GPtrArray *peers, const ScopeV1Message *paths, const char *from, GError **error)
{
  for (guint i = 0; paths && i < peers->len; i++)
    {
      const Peer *peer = peers->pdata[i];
      if (ctl_paths_has (paths, &peer->entry->key) && (!from || is_called (peer, from)))
        return peer;
    }
  if (from)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--from: no relay that is online is called “%s”"), from);
  return NULL;
}

static char *
called (const Peer *peer)
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
source (const Peer *peer)
{
  if (peer->least)
    return scope_key_is_zero (&peer->least->source) ? NULL : &peer->least->source;
  return peer->record && !scope_key_is_zero (&peer->record->attachment) ? &peer->record->attachment : NULL;
}

/* --- printing --- */

static const char *
endpoint (const Peer *peer)
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
role (const Peer *peer)
{
  if (!peer->grant)
    return NULL;
  return g_strconcat (scope_role_to_string (peer->record ? peer->record->role : peer->grant->role),
                      peer->entry->pipe ? " (pipe)" : "", NULL);
}

static void
print_table (GPtrArray *peers, const Peer *from, gint64 now)
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
      const Peer *peer = peers->pdata[i];
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
          const Peer *relay = before ? find_key (peers, before) : NULL;
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
append_peer (GString *out, const Peer *peer)
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

/* --- asking --- */

static char *
sign_query (const CtlRoot *root, gint64 now, GError **error)
{
  g_autoptr (GString) payload = g_string_new ("{");

  scope_fields_put_string (payload, "network", root->file->network);
  scope_fields_put_integer (payload, "issued", now);
  scope_fields_put_string (payload, "what", "peers");
  g_string_append_c (payload, '}');
  return scope_jws_sign (root->identity, SCOPE_TYP_QUERY, payload->str, error);
}

static ScopeV1Message *
query (const CtlRoot *root, CtlRegistry *registry, gint64 now, ScopeV1Message **paths, guint *skipped, GError **error)
{
  g_autofree char *envelope = sign_query (root, now, error);
  g_autoptr (GBytes) answer = envelope ? ctl_registry_post (registry, envelope, NULL, error) : NULL;
  g_autoptr (ScopeV1Message) roster = NULL;
  g_autoptr (GString) frame = NULL;
  g_autoptr (GError) why = NULL;

  if (!answer)
    return NULL;
  /* The answer is a roster's data; the frame around it is what the parser knows. */
  frame = g_string_sized_new (g_bytes_get_size (answer) + 32);
  g_string_append (frame, "{\"t\":\"roster\",\"d\":");
  g_string_append_len (frame, g_bytes_get_data (answer, NULL), g_bytes_get_size (answer));
  g_string_append_c (frame, '}');
  roster = scope_v1_parse (frame->str, frame->len, ROSTER_MAX, skipped, &why);
  *paths = ctl_paths_parse (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer), ROSTER_MAX);
  if (roster)
    return g_steal_pointer (&roster);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("registry %s: %s"), root->registry, why->message);
  return NULL;
}

/* Our own newest revocation counts, too: the registry may keep it back. */
static void
add_own_revocation (ScopeAuthority *authority, const CtlRoot *root)
{
  g_autoptr (CtlState) state = ctl_state_load (root, NULL);
  g_autoptr (ScopeJws) jws =
      state && state->revocation ? scope_jws_parse (state->revocation, strlen (state->revocation), NULL) : NULL;

  if (jws)
    scope_authority_set_revocation (authority, jws, NULL);
}

static gboolean
run (const char *name, const CtlRootOptions *options, const char *viewpoint, gboolean json, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (CtlRoot) root = ctl_root_load (name, options, error);
  g_autoptr (CtlRegistry) registry = root ? ctl_registry_new (root->registry, name, options->ca, error) : NULL;
  g_autoptr (CtlNetwork) network = registry ? ctl_registry_fetch (registry, root->file->identity, now, error) : NULL;
  g_autoptr (ScopeV1Message) roster = NULL, paths = NULL;
  g_autoptr (GHashTable) ways = NULL;
  g_autoptr (GPtrArray) peers = NULL;
  g_autoptr (GError) why = NULL;
  const Peer *from;
  guint skipped = 0;

  if (!network || !ctl_root_unlock (root, options, error) ||
      !(roster = query (root, registry, g_get_real_time () / G_USEC_PER_SEC, &paths, &skipped, error)))
    return FALSE;
  for (guint i = 0; i < network->problems->len; i++)
    g_printerr (_ ("scopectl %s: the registry's %s\n"), VERB, (char *) network->problems->pdata[i]);
  if (skipped)
    g_printerr (ngettext ("scopectl %s: %u entry of the registry's answer is malformed and left out\n",
                          "scopectl %s: %u entries of the registry's answer are malformed and left out\n", skipped),
                VERB, skipped);
  if (roster->more)
    g_printerr (_ ("scopectl %s: the registry's answer is not complete\n"), VERB);
  add_own_revocation (network->authority, root);
  peers = judge_all (network->authority, roster, now);
  from = choose_viewpoint (peers, paths, viewpoint, &why);
  if (why)
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  ways = from ? scope_least_from (paths->links, &from->entry->key) : NULL;
  for (guint i = 0; ways && i < peers->len; i++)
    {
      Peer *peer = peers->pdata[i];
      peer->least = g_hash_table_lookup (ways, &peer->entry->key);
    }
  if (json)
    print_json (peers);
  else
    print_table (peers, from, now);
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
