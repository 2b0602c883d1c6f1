/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-roster.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "ctl/ctl-paths.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define ROSTER_MAX (256 * 1024 * 1024)

static void
peer_free (CtlPeer *peer)
{
  g_clear_pointer (&peer->grant, scope_grant_free);
  g_clear_pointer (&peer->record, scope_record_free);
  g_free (peer->problem);
  g_free (peer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlPeer, peer_free)

void
ctl_roster_free (CtlRoster *roster)
{
  g_clear_pointer (&roster->peers, g_ptr_array_unref);
  g_clear_pointer (&roster->message, scope_v1_message_free);
  g_clear_pointer (&roster->paths, scope_v1_message_free);
  g_free (roster);
}

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

static CtlPeer *
judge (const ScopeAuthority *authority, const ScopeV1Entry *entry, gint64 now)
{
  g_autoptr (CtlPeer) peer = g_new0 (CtlPeer, 1);
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
judge_ranges (GPtrArray *peers, CtlPeer *peer)
{
  for (guint i = 0; i < peers->len && !peer->problem; i++)
    {
      const CtlPeer *other = peers->pdata[i];

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
  const CtlPeer *x = *(CtlPeer **) a, *y = *(CtlPeer **) b;

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
      CtlPeer *peer = peers->pdata[i];
      if (peer->grant && peer->grant->ranges->len)
        judge_ranges (peers, peer);
    }
  g_ptr_array_sort (peers, compare);
  return peers;
}
/* --- who is meant --- */

gboolean
ctl_peer_is_called (const CtlPeer *peer, const char *text)
{
  const char *fingerprint = peer->grant ? scope_identity_public_fingerprint (peer->grant->identity) : NULL;
  ScopeKey key;

  return (fingerprint && strlen (text) >= SCOPE_SHORT_NAME_LEN && g_str_has_prefix (fingerprint, text)) ||
         (peer->grant && g_strcmp0 (peer->grant->name, text) == 0) ||
         (scope_key_parse (&key, text) && scope_key_equal (&key, &peer->entry->key));
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
CtlRoster *
ctl_roster_fetch (const char *verb, CtlRoot *root, CtlRegistry *registry, const CtlRootOptions *options, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (CtlNetwork) network = ctl_registry_fetch (registry, root->file->identity, now, error);
  g_autoptr (CtlRoster) roster = g_new0 (CtlRoster, 1);
  guint skipped = 0;

  if (!network || !ctl_root_unlock (root, options, error) ||
      !(roster->message = query (root, registry, g_get_real_time () / G_USEC_PER_SEC, &roster->paths, &skipped, error)))
    return NULL;
  for (guint i = 0; i < network->problems->len; i++)
    g_printerr (_ ("scopectl %s: the registry's %s\n"), verb, (char *) network->problems->pdata[i]);
  if (skipped)
    g_printerr (ngettext ("scopectl %s: %u entry of the registry's answer is malformed and left out\n",
                          "scopectl %s: %u entries of the registry's answer are malformed and left out\n", skipped),
                verb, skipped);
  if (roster->message->more)
    g_printerr (_ ("scopectl %s: the registry's answer is not complete\n"), verb);
  add_own_revocation (network->authority, root);
  roster->peers = judge_all (network->authority, roster->message, now);
  return g_steal_pointer (&roster);
}
