/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-trust-private.h"

#include <string.h>

#define MAX_ENDED_LINES 8 /* when many peers end at once */

static void
peer_free (gpointer data)
{
  Peer *peer = data;

  g_clear_pointer (&peer->grant, scope_grant_free);
  g_clear_pointer (&peer->record, scope_record_free);
  g_clear_pointer (&peer->grant_packed, g_bytes_unref);
  g_clear_pointer (&peer->record_packed, g_bytes_unref);
  g_clear_pointer (&peer->kex_packed, g_bytes_unref);
  g_clear_pointer (&peer->pub.ranges, g_array_unref);
  g_free (peer->pub.candidates);
  g_strfreev (peer->observed);
  g_free (peer);
}

ScopeTrust *
scope_trust_new (const char *network, const char *root, const ScopeKey *own, ScopeIdentityPublic *identity, ScopePq pq)
{
  ScopeTrust *trust = g_new0 (ScopeTrust, 1);

  trust->network = g_strdup (network);
  g_strlcpy (trust->root, root, sizeof trust->root);
  trust->own = *own;
  trust->identity = scope_identity_public_ref (identity);
  trust->pq = pq;
  trust->max_peers = SCOPE_TRUST_MAX_PEERS;
  trust->delegations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  trust->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  trust->peers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, peer_free);
  trust->keys = g_hash_table_new (scope_key_hash, scope_key_equal);
  trust->said = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init (&trust->forks);
  return trust;
}

void
scope_trust_free (ScopeTrust *trust)
{
  if (!trust)
    return;
  g_clear_pointer (&trust->keys, g_hash_table_unref);
  g_clear_pointer (&trust->peers, g_hash_table_unref);
  g_clear_pointer (&trust->known, g_hash_table_unref);
  g_clear_pointer (&trust->said, g_hash_table_unref);
  g_clear_pointer (&trust->delegations, g_hash_table_unref);
  g_clear_pointer (&trust->authority, scope_authority_free);
  g_clear_pointer (&trust->revocation, g_bytes_unref);
  g_clear_pointer (&trust->own_grant, scope_grant_free);
  g_clear_pointer (&trust->own_packed, g_bytes_unref);
  g_clear_pointer (&trust->identity, scope_identity_public_unref);
  g_queue_clear_full (&trust->forks, g_free);
  g_free (trust->generation);
  g_free (trust->whole_generation);
  g_free (trust->network);
  g_free (trust);
}

/* --- what is remembered -------------------------------------------------------------------- */

/* An entry that protects nobody: no older record can come, and it never offered what it could take back. */
static gboolean
is_forgettable (gpointer fingerprint, gpointer value, gpointer data)
{
  const Known *known = value;
  const ScopeTrust *trust = data;

  return !known->pq && known->until < trust->now && !g_hash_table_contains (trust->peers, fingerprint);
}

Known *
scope_trust_know (ScopeTrust *trust, const char *fingerprint)
{
  Known *known = g_hash_table_lookup (trust->known, fingerprint);

  if (known)
    return known;
  if (g_hash_table_size (trust->known) >= SCOPE_TRUST_MAX_KNOWN)
    g_hash_table_foreach_remove (trust->known, is_forgettable, trust);
  if (g_hash_table_size (trust->known) >= SCOPE_TRUST_MAX_KNOWN)
    return NULL;
  known = g_new0 (Known, 1);
  g_strlcpy (known->fingerprint, fingerprint, sizeof known->fingerprint);
  g_hash_table_insert (trust->known, known->fingerprint, known);
  return known;
}

void
scope_trust_note_offer (ScopeTrust *trust, Peer *peer, gboolean offers)
{
  gboolean needs;

  if (offers && !peer->known->pq)
    peer->known->pq = trust->dirty = TRUE;
  needs = trust->pq == SCOPE_PQ_REQUIRED || (trust->pq == SCOPE_PQ_PREFERRED && peer->known->pq);
  if (needs != peer->pub.needs_pq)
    trust->changed = TRUE;
  peer->pub.needs_pq = needs;
}

void
scope_trust_reconsider (ScopeTrust *trust)
{
  if (!trust->refused || trust->ask_whole || trust->loading)
    return;
  trust->ask_whole = trust->dirty = TRUE;
}

void
scope_trust_drop_record (ScopeTrust *trust, Peer *peer)
{
  if (!peer->record)
    return;
  g_clear_pointer (&peer->record, scope_record_free);
  g_clear_pointer (&peer->record_packed, g_bytes_unref);
  g_clear_pointer (&peer->kex_packed, g_bytes_unref);
  g_clear_pointer (&peer->pub.ranges, g_array_unref);
  g_clear_pointer (&peer->pub.candidates, g_free);
  peer->pub.record = NULL;
  peer->pub.has_kex = FALSE;
  peer->kex_epoch = 0;
  trust->n_in_force--;
  trust->changed = trust->dirty = TRUE;
}

void
scope_trust_drop_peer (ScopeTrust *trust, Peer *peer)
{
  scope_trust_drop_record (trust, peer);
  if (g_hash_table_lookup (trust->keys, &peer->pub.key) == peer)
    g_hash_table_remove (trust->keys, &peer->pub.key);
  g_hash_table_remove (trust->peers, peer->known->fingerprint);
  trust->unsettled = trust->dirty = TRUE;
  scope_trust_reconsider (trust);
}

/* --- what ends ----------------------------------------------------------------------------- */

static void
say_ended (ScopeTrust *trust, const Peer *peer, const char *why, guint *n)
{
  if (++*n <= MAX_ENDED_LINES)
    g_message ("network %s: peer %.*s: %s", trust->network, SCOPE_SHORT_NAME_LEN, peer->known->fingerprint, why);
}

static void
drop_ended (ScopeTrust *trust)
{
  g_autoptr (GList) all = g_hash_table_get_values (trust->peers);
  guint n = 0;

  for (GList *l = all; l; l = l->next)
    {
      Peer *peer = l->data;
      g_autoptr (GError) error = NULL;

      if (peer->grant->issued > trust->now + SCOPE_CLOCK_SKEW &&
          !scope_authority_is_revoked (trust->authority, peer->known->fingerprint))
        continue; /* it was good: the clock was set back since */
      if (!scope_authority_grant_holds (trust->authority, peer->grant, trust->now, &error))
        {
          say_ended (trust, peer, error->message, &n);
          scope_trust_drop_peer (trust, peer);
        }
      else if (peer->record && scope_trust_ended (peer->record->expires, trust->now))
        {
          say_ended (trust, peer, "its record has expired", &n);
          scope_trust_drop_record (trust, peer);
        }
    }
  if (n > MAX_ENDED_LINES)
    g_message ("network %s: %u more have ended", trust->network, n - MAX_ENDED_LINES);

  g_autoptr (GError) error = NULL;
  if (trust->own_grant && !scope_authority_grant_holds (trust->authority, trust->own_grant, trust->now, &error))
    {
      g_message ("network %s: our own grant: %s", trust->network, error->message);
      g_clear_pointer (&trust->own_grant, scope_grant_free);
      g_clear_pointer (&trust->own_packed, g_bytes_unref);
      trust->unsettled = trust->changed = trust->dirty = TRUE;
    }
}

static gint64
find_next (ScopeTrust *trust)
{
  gint64 next = trust->own_grant ? trust->own_grant->expires : G_MAXINT64;
  GHashTableIter iter;
  gpointer value, key;

  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Peer *peer = value;

      next = MIN (next, peer->grant->expires);
      if (peer->record)
        next = MIN (next, peer->record->expires);
    }
  g_hash_table_iter_init (&iter, trust->delegations);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const ScopeDelegation *delegation = scope_authority_find_delegation (trust->authority, key, trust->now);
      if (delegation)
        next = MIN (next, delegation->expires);
    }
  return MAX (next, trust->now + 1);
}

gboolean
scope_trust_tick (ScopeTrust *trust, gint64 now, gint64 *next)
{
  trust->now = now;
  if (next)
    *next = G_MAXINT64;
  if (!trust->authority)
    return scope_trust_settle (trust);
  drop_ended (trust);
  if (next)
    *next = find_next (trust);
  return scope_trust_settle (trust);
}

/* --- the root and what it says ------------------------------------------------------------- */

gboolean
scope_trust_set_root (ScopeTrust *trust, const char *identity, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeIdentityPublic) root = scope_identity_public_parse (identity, &error);

  trust->now = now;
  if (!root)
    scope_trust_refuse (trust, NULL, NULL, NULL, "root refused: %s", error->message);
  else if (strcmp (scope_identity_public_fingerprint (root), trust->root) != 0)
    scope_trust_refuse (trust, NULL, NULL, NULL, "root refused: it is %s, and the profile pins %s",
                        scope_identity_public_fingerprint (root), trust->root);
  else if (!trust->authority)
    {
      trust->authority = scope_authority_new (trust->network, root);
      trust->dirty = TRUE;
      scope_trust_reconsider (trust);
    }
  return trust->authority != NULL;
}

static ScopeJws *
parse (ScopeTrust *trust, const char *what, const char *envelope)
{
  g_autoptr (GError) error = NULL;
  ScopeJws *jws;

  if (!trust->authority)
    {
      scope_trust_refuse (trust, NULL, NULL, NULL, "%s refused: the root's identity is not known yet", what);
      return NULL;
    }
  jws = scope_jws_parse (envelope, strlen (envelope), &error);
  if (!jws)
    scope_trust_refuse (trust, NULL, NULL, envelope, "%s refused: %s", what, error->message);
  return jws;
}

gboolean
scope_trust_add_delegation (ScopeTrust *trust, const char *envelope, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (ScopeIdentityPublic) delegate = NULL;
  const ScopeDelegation *delegation;
  const char *fingerprint;
  gint64 issued, expires;

  trust->now = now;
  jws = parse (trust, "delegation", envelope);
  delegate = jws ? scope_trust_claimed_identity (envelope) : NULL;
  if (!jws)
    return FALSE;
  fingerprint = delegate ? scope_identity_public_fingerprint (delegate) : "";
  g_autoptr (GBytes) packed = scope_envelope_pack (jws, NULL);
  GBytes *held = g_hash_table_lookup (trust->delegations, fingerprint);
  if (held && g_bytes_equal (held, packed))
    return FALSE;
  if (!held && g_hash_table_size (trust->delegations) >= SCOPE_TRUST_MAX_DELEGATIONS)
    {
      scope_trust_refuse (trust, NULL, NULL, NULL, "more than %d delegations: no further one is taken",
                          SCOPE_TRUST_MAX_DELEGATIONS);
      return FALSE;
    }
  delegation = scope_authority_find_delegation (trust->authority, fingerprint, now);
  issued = delegation ? delegation->issued : -1;
  expires = delegation ? delegation->expires : -1;
  if (!scope_authority_add_delegation (trust->authority, jws, now, &error))
    {
      scope_trust_refuse (trust, NULL, NULL, envelope, "delegation refused: %s", error->message);
      return FALSE;
    }
  delegation = scope_authority_find_delegation (trust->authority, fingerprint, now);
  if (!delegation || (delegation->issued == issued && delegation->expires == expires))
    return FALSE; /* the one that is known is newer */
  g_hash_table_replace (trust->delegations, g_strdup (fingerprint), g_steal_pointer (&packed));
  trust->dirty = TRUE;
  scope_trust_reconsider (trust);
  drop_ended (trust); /* those that it no longer covers */
  return scope_trust_settle (trust);
}

gboolean
scope_trust_set_revocation (ScopeTrust *trust, const char *envelope, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;

  trust->now = now;
  jws = parse (trust, "revocation", envelope);
  if (!jws)
    return FALSE;
  if (!scope_authority_set_revocation (trust->authority, jws, &error))
    {
      if (error)
        scope_trust_refuse (trust, NULL, NULL, envelope, "revocation refused: %s", error->message);
      return FALSE;
    }
  g_clear_pointer (&trust->revocation, g_bytes_unref);
  trust->revocation = scope_envelope_pack (jws, NULL);
  trust->dirty = TRUE;
  scope_trust_reconsider (trust);
  drop_ended (trust);
  return scope_trust_settle (trust);
}

static const char *
judge_own_grant (ScopeTrust *trust, const ScopeGrant *grant)
{
  if (!scope_identity_public_equal (grant->identity, trust->identity))
    return "it is of another identity";
  if (!scope_key_equal (&grant->key, &trust->own))
    return "it is of another WireGuard key";
  return NULL;
}

gboolean
scope_trust_set_grant (ScopeTrust *trust, const char *envelope, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (ScopeGrant) grant = NULL;
  g_autoptr (GBytes) packed = NULL;
  const char *reason;

  trust->now = now;
  jws = parse (trust, "our grant", envelope);
  if (!jws)
    return FALSE;
  packed = scope_envelope_pack (jws, NULL);
  if (trust->own_packed && g_bytes_equal (packed, trust->own_packed))
    return FALSE;
  grant = scope_authority_grant (trust->authority, jws, now, &error);
  reason = grant ? judge_own_grant (trust, grant) : error->message;
  if (!reason && trust->own_grant && !scope_trust_ended (trust->own_grant->expires, now))
    {
      if (!scope_grant_supersedes (grant, trust->own_grant))
        return FALSE;
      if (!grant->by_root && grant->expires < trust->own_grant->expires)
        reason = "a delegate cannot shorten one that holds";
    }
  if (reason)
    {
      scope_trust_refuse (trust, NULL, NULL, envelope, "our grant refused: %s", reason);
      return FALSE;
    }
  g_clear_pointer (&trust->own_grant, scope_grant_free);
  g_clear_pointer (&trust->own_packed, g_bytes_unref);
  trust->own_grant = g_steal_pointer (&grant);
  trust->own_packed = g_steal_pointer (&packed);
  trust->unsettled = trust->changed = trust->dirty = TRUE;
  return scope_trust_settle (trust);
}

ScopeKill *
scope_trust_kill (ScopeTrust *trust, const char *envelope, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  ScopeKill *kill;

  trust->now = now;
  jws = parse (trust, "kill", envelope);
  if (!jws)
    return NULL;
  kill = scope_authority_kill (trust->authority, jws, trust->kill_counter, now, &error);
  if (!kill)
    {
      scope_trust_refuse (trust, NULL, NULL, envelope, "kill refused: %s", error->message);
      return NULL;
    }
  trust->kill_counter = kill->counter;
  trust->dirty = TRUE;
  return kill;
}

/* --- odds and ends ------------------------------------------------------------------------- */

void
scope_trust_note_pq (ScopeTrust *trust, const ScopeKey *key)
{
  Peer *peer = g_hash_table_lookup (trust->keys, key);

  if (peer)
    scope_trust_note_offer (trust, peer, TRUE);
}

gboolean
scope_trust_take_fork (ScopeTrust *trust, char *fork[2])
{
  fork[0] = g_queue_pop_head (&trust->forks);
  fork[1] = g_queue_pop_head (&trust->forks);
  return fork[0] != NULL;
}

guint64
scope_trust_next_sequence (ScopeTrust *trust, gint64 now_ms)
{
  trust->own_sequence = MAX (trust->own_sequence + 1, (guint64) MAX (now_ms, 0));
  trust->dirty = TRUE;
  return trust->own_sequence;
}
