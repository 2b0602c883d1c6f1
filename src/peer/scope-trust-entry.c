/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judging one entry of a roster: grant, key, record. What is refused changes nothing.
 */
#include "peer/scope-trust-private.h"

#include <string.h>

#define FORGET_SECONDS (SCOPE_RECORD_MAX_SECONDS + SCOPE_CLOCK_SKEW) /* no older record can be good by then */

/* An entry on its way: what it would put in the place of what is held. @grant or @record stay NULL for what stays. */
typedef struct {
  const ScopeV1Entry *entry;
  Peer *peer; /* the one of this identity, if there is one */
  const char *fingerprint;
  ScopeIdentityPublic *identity;
  ScopeGrant *grant;
  ScopeJws *grant_jws;
  guint8 grant_text[SHA256_LEN];
  ScopeRecord *record;
  ScopeJws *record_jws;
  guint8 record_text[SHA256_LEN];
  guint8 payload[SHA256_LEN];
  Peer *displaced;
  gboolean former_own; /* our identity with another key, before a new start of ours: nothing to say */
} Judgement;

static void
judgement_clear (Judgement *j)
{
  g_clear_pointer (&j->grant, scope_grant_free);
  g_clear_pointer (&j->grant_jws, scope_jws_free);
  g_clear_pointer (&j->record, scope_record_free);
  g_clear_pointer (&j->record_jws, scope_jws_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Judgement, judgement_clear)

static gboolean
refuse_grant (ScopeTrust *trust, const Judgement *j, const char *reason)
{
  g_autoptr (ScopeIdentityPublic) claimed = j->fingerprint ? NULL : scope_trust_claimed_identity (j->entry->grant);
  const char *fingerprint = claimed ? scope_identity_public_fingerprint (claimed) : j->fingerprint;

  scope_trust_refuse (trust, fingerprint, &j->entry->key, j->entry->grant, "grant refused: %s", reason);
  return FALSE;
}

static gboolean
refuse_record (ScopeTrust *trust, const Judgement *j, const char *reason)
{
  scope_trust_refuse (trust, j->fingerprint, NULL, j->entry->record, "record refused: %s", reason);
  return FALSE;
}

/* --- grant --------------------------------------------------------------------------------- */

static const ScopeGrant *
current_grant (const Judgement *j)
{
  return j->grant ? j->grant : j->peer->grant;
}

/* Another peer has this WireGuard key. */
static gboolean
judge_key (ScopeTrust *trust, Judgement *j)
{
  const ScopeGrant *grant = current_grant (j);
  Peer *holder = g_hash_table_lookup (trust->keys, &grant->key);

  if (!holder || holder == j->peer)
    return TRUE;
  if (grant->by_root && scope_grant_wins (grant, holder->grant))
    {
      j->displaced = holder;
      return TRUE;
    }
  g_autofree char *reason =
    g_strdup_printf ("its WireGuard key belongs to %.*s", SCOPE_SHORT_NAME_LEN, holder->known->fingerprint);
  return refuse_grant (trust, j, reason);
}

/* A verified grant beside the one that is held: which of them? */
static gboolean
judge_second_grant (ScopeTrust *trust, Judgement *j)
{
  const ScopeGrant *held = j->peer->grant;

  if (scope_trust_ended (held->expires, trust->now))
    return TRUE;
  if (!scope_grant_supersedes (j->grant, held))
    {
      if (!scope_key_equal (&j->grant->key, &held->key))
        return refuse_grant (trust, j, "older than the one that holds");
    }
  else if (j->grant->by_root || j->grant->expires >= held->expires)
    return TRUE;
  else if (!scope_key_equal (&j->grant->key, &held->key))
    return refuse_grant (trust, j, "a delegate cannot shorten one that holds");
  else
    refuse_grant (trust, j, "a delegate cannot shorten one that holds");
  /* The record may still be good news. */
  g_clear_pointer (&j->grant, scope_grant_free);
  return TRUE;
}

static gboolean
judge_grant (ScopeTrust *trust, Judgement *j)
{
  const ScopeV1Entry *entry = j->entry;
  Peer *same_key = g_hash_table_lookup (trust->keys, &entry->key);
  g_autoptr (GError) error = NULL;

  scope_trust_digest (entry->grant, strlen (entry->grant), j->grant_text);
  if (same_key && memcmp (same_key->grant_text, j->grant_text, SHA256_LEN) == 0)
    {
      j->peer = same_key;
      j->identity = same_key->grant->identity;
      j->fingerprint = same_key->known->fingerprint;
      return TRUE;
    }
  j->grant_jws = scope_jws_parse (entry->grant, strlen (entry->grant), &error);
  if (j->grant_jws)
    j->grant = scope_authority_grant (trust->authority, j->grant_jws, trust->now, &error);
  if (!j->grant)
    return refuse_grant (trust, j, error->message);
  j->identity = j->grant->identity;
  j->fingerprint = scope_identity_public_fingerprint (j->identity);
  if (!scope_key_equal (&j->grant->key, &entry->key))
    return refuse_grant (trust, j, "of another WireGuard key than the one it is listed with");
  j->former_own = scope_identity_public_equal (j->identity, trust->identity);
  if (j->former_own)
    return FALSE;
  j->peer = g_hash_table_lookup (trust->peers, j->fingerprint);
  if (j->peer)
    {
      j->identity = j->peer->grant->identity; /* which outlives a grant that is put aside */
      j->fingerprint = j->peer->known->fingerprint;
    }
  if (j->peer && !judge_second_grant (trust, j))
    return FALSE;
  return judge_key (trust, j);
}

/* --- record -------------------------------------------------------------------------------- */

static void
push_fork (ScopeTrust *trust, const Judgement *j, const Known *known)
{
  if (!j->peer || !j->peer->record_packed || known->forked || trust->forks.length >= 2 * SCOPE_TRUST_MAX_FORKS)
    return;
  g_queue_push_tail (&trust->forks, scope_envelope_unpack (j->peer->record_packed, NULL));
  g_queue_push_tail (&trust->forks, g_strdup (j->entry->record));
}

static gboolean
judge_sequence (ScopeTrust *trust, Judgement *j, Known *known)
{
  gsize len;
  const void *payload = g_bytes_get_data (j->record_jws->payload, &len);

  scope_trust_digest (payload, len, j->payload);
  if (!known || !known->until || j->record->sequence > known->sequence)
    return TRUE;
  if (j->record->sequence < known->sequence)
    {
      g_autofree char *reason =
        g_strdup_printf ("sequence %" G_GUINT64_FORMAT " is older than %" G_GUINT64_FORMAT, j->record->sequence,
                         known->sequence);
      return refuse_record (trust, j, reason);
    }
  if (memcmp (known->payload, j->payload, SHA256_LEN) == 0)
    return TRUE;
  push_fork (trust, j, known);
  known->forked = TRUE;
  trust->dirty = TRUE;
  return refuse_record (trust, j, "it contradicts another one of the same sequence: the first one stays");
}

static gboolean
judge_pq (ScopeTrust *trust, const Judgement *j, const Known *known)
{
  if (j->record->pq != SCOPE_PQ_OFF || trust->pq == SCOPE_PQ_OFF)
    return TRUE;
  if (known && known->pq)
    return refuse_record (trust, j, "it once had post-quantum keys and now says pq=off");
  if (trust->pq == SCOPE_PQ_REQUIRED)
    return refuse_record (trust, j, "our profile has pq=required and it says pq=off");
  return TRUE;
}

static gboolean
judge_record (ScopeTrust *trust, Judgement *j)
{
  const char *text = j->entry->record;
  Known *known = g_hash_table_lookup (trust->known, j->fingerprint);
  g_autoptr (GError) error = NULL;

  if (!text)
    return TRUE;
  scope_trust_digest (text, strlen (text), j->record_text);
  if (j->peer && j->peer->record && memcmp (j->peer->record_text, j->record_text, SHA256_LEN) == 0)
    return TRUE;
  j->record_jws = scope_jws_parse (text, strlen (text), &error);
  if (j->record_jws)
    j->record = scope_record_verify (j->record_jws, trust->network, j->identity, trust->now, &error);
  if (!j->record || !scope_record_granted (j->record, current_grant (j), &error))
    refuse_record (trust, j, error->message);
  else if (judge_sequence (trust, j, known) && judge_pq (trust, j, known))
    return TRUE;
  g_clear_pointer (&j->record, scope_record_free);
  return FALSE;
}

/* A delegate must not throw a peer out by granting it something else. The root may. */
static gboolean
judge_consequence (ScopeTrust *trust, const Judgement *j, gboolean said)
{
  if (!j->grant || j->grant->by_root || !j->peer || !j->peer->record || j->record)
    return TRUE;
  if (scope_record_granted (j->peer->record, j->grant, NULL))
    return TRUE;
  if (!said)
    refuse_grant (trust, j, "a delegate's, without a record of the peer under it");
  return FALSE;
}

/* --- taking what is good ------------------------------------------------------------------- */

static Peer *
add_peer (ScopeTrust *trust, const Judgement *j)
{
  Known *known = scope_trust_know (trust, j->fingerprint);
  Peer *peer;

  if (!known)
    {
      scope_trust_refuse (trust, NULL, NULL, NULL, "%d identities are remembered: nobody new is taken",
                          SCOPE_TRUST_MAX_KNOWN);
      return NULL;
    }
  peer = g_new0 (Peer, 1);
  peer->known = known;
  peer->mark = trust->mark;
  g_hash_table_insert (trust->peers, known->fingerprint, peer);
  return peer;
}

static void
take_grant (ScopeTrust *trust, Peer *peer, Judgement *j)
{
  g_autofree char *identity = scope_identity_public_format (j->grant->identity);

  if (peer->grant && !scope_key_equal (&peer->pub.key, &j->grant->key))
    {
      g_hash_table_remove (trust->keys, &peer->pub.key);
      g_clear_pointer (&peer->kex_packed, g_bytes_unref);
      peer->kex_epoch = 0;
      peer->pub.has_kex = FALSE;
    }
  if (!peer->grant || !scope_prefix_list_equal (peer->grant->ranges, j->grant->ranges))
    peer->since = trust->now;
  g_clear_pointer (&peer->grant, scope_grant_free);
  g_clear_pointer (&peer->grant_packed, g_bytes_unref);
  peer->grant = g_steal_pointer (&j->grant);
  peer->grant_packed = scope_envelope_pack (j->grant_jws, identity);
  memcpy (peer->grant_text, j->grant_text, SHA256_LEN);
  peer->pub.key = peer->grant->key;
  peer->pub.grant = peer->grant;
  peer->pub.identity = peer->grant->identity;
  g_hash_table_replace (trust->keys, &peer->pub.key, peer);
  if (peer->record && !j->record && !scope_record_granted (peer->record, peer->grant, NULL))
    {
      g_message ("network %s: peer %.*s: the root's new grant ends its record", trust->network, SCOPE_SHORT_NAME_LEN,
                 peer->known->fingerprint);
      scope_trust_drop_record (trust, peer);
    }
  trust->unsettled = trust->dirty = TRUE;
  trust->changed |= peer->record != NULL;
}

static void
take_record (ScopeTrust *trust, Peer *peer, Judgement *j)
{
  Known *known = peer->known;

  if (peer->record && memcmp (known->payload, j->payload, SHA256_LEN) == 0)
    {
      memcpy (peer->record_text, j->record_text, SHA256_LEN); /* the same, written in another way */
      return;
    }
  if (!known->until || known->sequence < j->record->sequence)
    known->forked = FALSE;
  known->sequence = j->record->sequence;
  known->until = trust->now + FORGET_SECONDS;
  memcpy (known->payload, j->payload, SHA256_LEN);
  scope_trust_note_offer (trust, peer, j->record->pq != SCOPE_PQ_OFF);
  trust->n_in_force += !peer->record;
  g_clear_pointer (&peer->record, scope_record_free);
  g_clear_pointer (&peer->record_packed, g_bytes_unref);
  peer->record = g_steal_pointer (&j->record);
  peer->record_packed = scope_envelope_pack (j->record_jws, NULL);
  memcpy (peer->record_text, j->record_text, SHA256_LEN);
  peer->pub.record = peer->record;
  peer->pub.role = peer->record->role;
  scope_trust_set_candidates (peer);
  trust->unsettled = trust->dirty = trust->changed = TRUE;
}

/* Whoever is not in force is not handed out. */
static void
note_change (ScopeTrust *trust, const Peer *peer)
{
  trust->changed |= peer->record != NULL;
  trust->dirty = TRUE;
}

static void
take_notes (ScopeTrust *trust, Peer *peer, const ScopeV1Entry *entry)
{
  g_auto (GStrv) observed = scope_trust_usable_observed (entry->observed);
  static char *const none[] = { NULL };

  if (peer->pub.online != entry->online || peer->pub.pipe != entry->pipe)
    note_change (trust, peer);
  peer->pub.online = entry->online;
  peer->pub.pipe = entry->pipe;
  peer->pub.seen = entry->seen;
  if (g_strv_equal (observed ? (const char *const *) observed : (const char *const *) none,
                    peer->observed ? (const char *const *) peer->observed : (const char *const *) none))
    return;
  g_strfreev (peer->observed);
  peer->observed = g_steal_pointer (&observed);
  if (peer->record)
    scope_trust_set_candidates (peer);
  note_change (trust, peer);
}

static void
displace (ScopeTrust *trust, Peer *peer, const char *by)
{
  scope_trust_refuse (trust, peer->known->fingerprint, NULL, NULL,
                      "the root has granted its WireGuard key to %.*s: it is a peer no longer", SCOPE_SHORT_NAME_LEN, by);
  scope_trust_drop_peer (trust, peer);
}

static gboolean
take (ScopeTrust *trust, Judgement *j)
{
  Peer *peer = j->peer ? j->peer : add_peer (trust, j);

  if (!peer)
    return FALSE;
  if (j->displaced)
    displace (trust, j->displaced, j->fingerprint);
  if (j->grant)
    take_grant (trust, peer, j);
  if (j->record)
    take_record (trust, peer, j);
  return TRUE;
}

/* --- entries ------------------------------------------------------------------------------- */

/* Ours. A record of ours that is newer than what we remember, when our cache was lost, raises our sequence. */
static gboolean
judge_own (ScopeTrust *trust, const ScopeV1Entry *entry)
{
  g_autoptr (ScopeIdentityPublic) identity = scope_trust_claimed_identity (entry->grant);

  if (!identity || !scope_identity_public_equal (identity, trust->identity))
    {
      scope_trust_refuse (trust, identity ? scope_identity_public_fingerprint (identity) : NULL, &entry->key, entry->grant,
                          "grant refused: it has our own WireGuard key");
      return FALSE;
    }
  if (!entry->record)
    return TRUE;
  g_autoptr (ScopeJws) jws = scope_jws_parse (entry->record, strlen (entry->record), NULL);
  g_autoptr (ScopeRecord) record =
    jws ? scope_record_verify (jws, trust->network, trust->identity, trust->now, NULL) : NULL;
  if (record && record->sequence > trust->own_sequence)
    {
      trust->own_sequence = record->sequence;
      trust->dirty = TRUE;
    }
  return TRUE;
}

static void
set_listed (ScopeTrust *trust, Peer *peer)
{
  peer->mark = trust->mark;
  if (!peer->pub.listed)
    note_change (trust, peer);
  peer->pub.listed = TRUE;
}

gboolean
scope_trust_judge_entry (ScopeTrust *trust, const ScopeV1Entry *entry)
{
  g_auto (Judgement) j = { .entry = entry };
  Peer *listed = g_hash_table_lookup (trust->keys, &entry->key);
  gboolean good;

  if (!trust->authority)
    {
      scope_trust_refuse (trust, NULL, NULL, NULL, "the root's identity is not known yet: no peer is believed");
      return FALSE;
    }
  if (listed)
    set_listed (trust, listed);
  if (scope_key_equal (&entry->key, &trust->own))
    return judge_own (trust, entry);
  if (!listed && g_hash_table_size (trust->peers) >= trust->max_peers)
    {
      scope_trust_refuse (trust, NULL, NULL, NULL, "more than %u peers: nobody new is taken", trust->max_peers);
      return FALSE;
    }
  if (!judge_grant (trust, &j))
    return j.former_own;
  good = judge_record (trust, &j);
  /* Bad news about the record does not hold up the grant of somebody new, or the root's: ranges go by grants. */
  if (!judge_consequence (trust, &j, !good) || !take (trust, &j))
    return FALSE;

  Peer *peer = g_hash_table_lookup (trust->keys, &entry->key);
  if (!good || !peer)
    return good;
  set_listed (trust, peer);
  take_notes (trust, peer, entry);
  if (entry->kex)
    scope_trust_judge_kex (trust, peer, entry->kex);
  return TRUE;
}

void
scope_trust_judge_kex (ScopeTrust *trust, Peer *peer, const char *envelope)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  guint8 digest[SHA256_LEN];
  ScopeKexKey kex;

  if (trust->pq == SCOPE_PQ_OFF)
    return;
  scope_trust_digest (envelope, strlen (envelope), digest);
  if (peer->kex_epoch && memcmp (digest, peer->kex_text, SHA256_LEN) == 0)
    return;
  jws = scope_jws_parse (envelope, strlen (envelope), &error);
  if (!jws || !scope_kex_key_verify (jws, trust->network, peer->grant->identity, &peer->pub.key, &kex, &error))
    {
      scope_trust_refuse (trust, peer->known->fingerprint, NULL, envelope, "key for an epoch refused: %s", error->message);
      return;
    }
  scope_trust_note_offer (trust, peer, TRUE);
  /* A peer that started anew has another one for the same epoch. */
  if (peer->kex_epoch && (kex.epoch < peer->kex_epoch || (kex.epoch == peer->kex_epoch && kex.issued < peer->kex_issued)))
    return;
  g_clear_pointer (&peer->kex_packed, g_bytes_unref);
  peer->kex_packed = scope_envelope_pack (jws, NULL);
  peer->kex_epoch = kex.epoch;
  peer->kex_issued = kex.issued;
  memcpy (peer->kex_text, digest, SHA256_LEN);
  peer->pub.has_kex = TRUE;
  trust->changed = TRUE;
}
