/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a registry says of its members: rosters, whole or since a revision, and events.
 */
#include "peer/scope-trust-private.h"

static void
unlist (ScopeTrust *trust, Peer *peer)
{
  if (peer->pub.listed || peer->pub.online)
    {
      trust->changed |= peer->record != NULL;
      trust->dirty = TRUE;
    }
  peer->pub.listed = FALSE;
  peer->pub.online = FALSE;
}

static void
take_leave (ScopeTrust *trust, const ScopeKey *key, gint64 seen)
{
  Peer *peer = g_hash_table_lookup (trust->keys, key);

  if (!peer)
    return;
  trust->changed |= peer->pub.online && peer->record;
  peer->pub.online = FALSE;
  peer->pub.seen = seen;
}

static void
take_gone (ScopeTrust *trust, const ScopeKey *key)
{
  Peer *peer = g_hash_table_lookup (trust->keys, key);

  if (peer)
    unlist (trust, peer);
}

static void
take_entry (ScopeTrust *trust, const ScopeV1Entry *entry)
{
  if (!scope_trust_judge_entry (trust, entry))
    trust->refused = trust->dirty = TRUE;
}

/* An event beside the roster. */
static void
note_revision (ScopeTrust *trust, guint64 revision)
{
  if (!trust->generation || trust->in_whole || revision <= trust->revision)
    return;
  trust->revision = revision;
  trust->dirty = TRUE;
}

/* Each frame says how far it goes: its revision is its own, the last one's counts. */
static void
begin_whole (ScopeTrust *trust, const ScopeV1Message *roster)
{
  if (trust->in_whole && g_strcmp0 (trust->whole_generation, roster->generation) == 0)
    return;
  g_free (trust->whole_generation);
  trust->whole_generation = g_strdup (roster->generation);
  trust->in_whole = trust->dirty = TRUE;
  trust->refused = trust->ask_whole = FALSE;
  /* If it breaks off, what is missing of it would never come as a delta. */
  g_clear_pointer (&trust->generation, g_free);
  trust->revision = 0;
  trust->mark++;
}

static void
end_whole (ScopeTrust *trust)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Peer *) value)->mark != trust->mark)
      unlist (trust, value);
  trust->in_whole = FALSE;
  trust->whole = trust->now;
}

static void
take_roster (ScopeTrust *trust, const ScopeV1Message *roster)
{
  gboolean whole = roster->since == 0;

  if (whole)
    begin_whole (trust, roster);
  else if (trust->in_whole || g_strcmp0 (trust->generation, roster->generation) != 0 || roster->since > trust->revision)
    trust->ask_whole = TRUE; /* a delta to something that we do not have */
  for (guint i = 0; roster->peers && i < roster->peers->len; i++)
    take_entry (trust, g_ptr_array_index (roster->peers, i));
  for (guint i = 0; roster->gone && i < roster->gone->len; i++)
    take_gone (trust, &g_array_index (roster->gone, ScopeKey, i));
  if (roster->more)
    return;
  if (whole)
    end_whole (trust);
  else if (trust->in_whole || g_strcmp0 (trust->generation, roster->generation) != 0)
    return;
  g_free (trust->generation);
  trust->generation = g_strdup (roster->generation);
  trust->revision = roster->revision;
  trust->dirty = TRUE;
}

static gboolean
take_grants (ScopeTrust *trust, const ScopeV1Message *message, gint64 now)
{
  gboolean changed = FALSE;

  for (guint i = 0; message->delegations && message->delegations[i] && i < SCOPE_TRUST_MAX_DELEGATIONS; i++)
    changed |= scope_trust_add_delegation (trust, message->delegations[i], now);
  if (message->revocation)
    changed |= scope_trust_set_revocation (trust, message->revocation, now);
  if (message->grant)
    changed |= scope_trust_set_grant (trust, message->grant, now);
  return changed;
}

static void
take_challenge (ScopeTrust *trust, const ScopeV1Message *message, gint64 now)
{
  if (g_strcmp0 (message->network, trust->network) != 0)
    scope_trust_refuse (trust, NULL, NULL, NULL, "the registry serves another network here: %s", message->network);
  else if (message->identity)
    scope_trust_set_root (trust, message->identity, now);
}

static void
take_kex (ScopeTrust *trust, const ScopeV1Message *message)
{
  Peer *peer = g_hash_table_lookup (trust->keys, &message->other);

  if (peer && message->kex)
    scope_trust_judge_kex (trust, peer, message->kex);
}

gboolean
scope_trust_take (ScopeTrust *trust, const ScopeV1Message *message, gint64 now)
{
  trust->now = now;
  switch (message->type)
    {
    case SCOPE_V1_CHALLENGE:
      take_challenge (trust, message, now);
      break;
    case SCOPE_V1_WELCOME:
      trust->in_whole = FALSE; /* what an earlier session left half-told */
      return take_grants (trust, message, now);
    case SCOPE_V1_GRANT:
    case SCOPE_V1_REVOCATION:
      return take_grants (trust, message, now);
    case SCOPE_V1_ROSTER:
      take_roster (trust, message);
      break;
    case SCOPE_V1_JOIN:
    case SCOPE_V1_MOVE:
      for (guint i = 0; message->peers && i < message->peers->len; i++)
        take_entry (trust, g_ptr_array_index (message->peers, i));
      note_revision (trust, message->revision);
      break;
    case SCOPE_V1_LEAVE:
      take_leave (trust, &message->key, message->seen);
      note_revision (trust, message->revision);
      break;
    case SCOPE_V1_GONE:
      take_gone (trust, &message->key);
      note_revision (trust, message->revision);
      break;
    case SCOPE_V1_KEX_KEY:
      take_kex (trust, message);
      break;
    default:
      break;
    }
  return scope_trust_settle (trust);
}

gboolean
scope_trust_take_entry (ScopeTrust *trust, const ScopeV1Entry *entry, gint64 now)
{
  trust->now = now;
  take_entry (trust, entry);
  return scope_trust_settle (trust);
}

guint64
scope_trust_since (const ScopeTrust *trust, gint64 now, const char **generation)
{
  gboolean whole = !trust->generation || trust->ask_whole || (trust->refused && now - trust->whole > SCOPE_TRUST_WHOLE_SECONDS);

  *generation = whole ? NULL : trust->generation;
  return whole ? 0 : trust->revision;
}
