/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-keys-private.h"

#include "common/scope-error.h"

#include <string.h>

#define EPOCH_MIN_SECONDS 20 /* whatever a registry says */
#define LOOK_USEC (50 * 1000) /* a reading of the device is good for so long */
#define QUIET_MS 350          /* who waits for the other's handshake; handshakes that cross collide */
#define STATE_MS 2000         /* progress is told at most this often */
#define SAVE_MS 200           /* keys of so long go to the disk together: whoever joins gets many at once */

/* --- WireGuard ----------------------------------------------------------------------------- */

static gboolean
look (const ScopeKey *peer, ScopeKexStats *stats, gpointer data)
{
  ScopeKeys *self = data;
  gint64 now = g_get_monotonic_time ();
  const ScopeWgPeer *found;

  if (!self->tunnel)
    return FALSE;
  if (!self->device || now - self->device_usec > LOOK_USEC)
    {
      g_clear_pointer (&self->device, scope_wg_device_free);
      self->device = scope_tunnel_read (self->tunnel, NULL);
      self->device_usec = now;
    }
  found = self->device ? scope_wg_device_find (self->device, peer) : NULL;
  if (!found)
    return FALSE;
  stats->handshake = found->handshake_usec ? (now - (g_get_real_time () - found->handshake_usec)) / 1000 : 0;
  stats->rx = found->rx_bytes;
  stats->tx = found->tx_bytes;
  return TRUE;
}

static gboolean
on_quiet_over (gpointer data)
{
  ScopeKeys *self = data;

  self->quiet_id = 0;
  g_hash_table_remove_all (self->quiet);
  self->calls->changed (self->data);
  return G_SOURCE_REMOVE;
}

static void
keep_quiet (ScopeKeys *self, const ScopeKey *peer)
{
  g_hash_table_add (self->quiet, g_memdup2 (peer, sizeof *peer));
  g_clear_handle_id (&self->quiet_id, g_source_remove);
  self->quiet_id = g_timeout_add (QUIET_MS, on_quiet_over, self);
}

gboolean
scope_keys_dress (ScopeKeys *self, ScopeWgPeer *peer)
{
  if (!scope_kex_current (self->kex, &peer->pub, &peer->preshared))
    return FALSE;
  if (scope_keys_is_quiet (self, &peer->pub))
    peer->keepalive = 0;
  return TRUE;
}

gboolean
scope_keys_is_quiet (ScopeKeys *self, const ScopeKey *peer)
{
  return g_hash_table_contains (self->quiet, peer);
}

static void
install (ScopeKeys *self, const ScopeKexAction *action)
{
  g_autoptr (GError) error = NULL;
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_debug ("key of %.8s %s", scope_key_to_base64 (&action->peer, text),
           action->how == SCOPE_KEX_READD ? "by a handshake now" : "in place");
  g_clear_pointer (&self->device, scope_wg_device_free);
  if (self->tunnel &&
      !scope_tunnel_set_preshared (self->tunnel, &action->peer, &action->preshared, action->how == SCOPE_KEX_READD, &error))
    g_warning ("installing a key: %s", error->message);
}

static void
save (ScopeKeys *self)
{
  g_autoptr (ScopeSecret) text = scope_kex_save (self->kex);
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (self->path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_warning ("the preshared keys cannot be kept: %s", error->message);
}

static gboolean
on_save (gpointer data)
{
  ScopeKeys *self = data;

  self->save_id = 0;
  save (self);
  return G_SOURCE_REMOVE;
}

/* --- progress ------------------------------------------------------------------------------ */

gboolean
scope_keys_progress (ScopeKeys *self, const ScopeKey *peer, guint64 *epoch, ScopeV1Progress *progress)
{
  *epoch = scope_kex_epoch (self->kex, keys_now ());
  return scope_kex_progress (self->kex, keys_now (), peer, progress);
}

/* --- what kex wants done ------------------------------------------------------------------- */

static gboolean on_timer (gpointer data);

static gboolean
on_later (gpointer data)
{
  ScopeKeys *self = data;
  ScopeKexAction *action = g_queue_pop_head (&self->later);

  if (g_hash_table_contains (self->online, &action->peer))
    keys_send_ct (self, &action->peer, action->ct);
  scope_kex_action_free (action);
  if (!g_queue_is_empty (&self->later))
    return G_SOURCE_CONTINUE;
  self->later_id = 0;
  return G_SOURCE_REMOVE;
}

/* A ciphertext is signed and long: dozens of them take tens of milliseconds to make, and TCP several round trips to send.
 * What is short, and what else there is to do, goes first. */
static void
send_ct (ScopeKeys *self, ScopeKexAction *action)
{
  if (self->at_once)
    {
      keys_send_ct (self, &action->peer, action->ct);
      scope_kex_action_free (action);
      return;
    }
  g_queue_push_tail (&self->later, action);
  if (!self->later_id)
    self->later_id = g_idle_add (on_later, self);
}

static void
do_action (ScopeKeys *self, ScopeKexAction *action, gboolean *first)
{
  switch (action->type)
    {
    case SCOPE_KEX_BROADCAST:
      keys_broadcast (self, action->key);
      break;
    case SCOPE_KEX_SEND_WANT:
      if (self->envelope)
        keys_send_envelope (self, &action->peer, "kex.want", "kex", self->envelope);
      break;
    case SCOPE_KEX_SEND_CT: /* send_ct() */
      break;
    case SCOPE_KEX_SEND:
      {
        g_autoptr (JsonObject) body = scope_kex_message_format (&action->message);

        keys_send_to (self, &action->peer, scope_kex_message_name (action->message.type), body);
        break;
      }
    case SCOPE_KEX_INSTALL:
      g_hash_table_remove (self->cts, &action->peer);
      if (action->how != SCOPE_KEX_FIRST)
        install (self, action);
      else if (!action->handshake)
        keep_quiet (self, &action->peer);
      *first |= action->how == SCOPE_KEX_FIRST;
      break;
    case SCOPE_KEX_SAVE:
      if (!self->save_id)
        self->save_id = g_timeout_add (SAVE_MS, on_save, self);
      break;
    case SCOPE_KEX_LOG:
      if (action->refused)
        g_warning ("%s", action->text);
      else
        g_message ("%s", action->text);
      break;
    }
}

static void
run (ScopeKeys *self)
{
  gboolean first = FALSE, any = FALSE;
  ScopeKexAction *action;
  gint64 deadline;

  while ((action = scope_kex_pop (self->kex)))
    {
      any |= action->type != SCOPE_KEX_LOG;
      if (action->type == SCOPE_KEX_SEND_CT)
        {
          send_ct (self, action);
          continue;
        }
      do_action (self, action, &first);
      scope_kex_action_free (action);
    }
  if (any && self->open && !self->state_id)
    self->state_id = g_timeout_add (STATE_MS, keys_on_state, self);
  deadline = scope_kex_deadline (self->kex);
  g_clear_handle_id (&self->timer_id, g_source_remove);
  if (deadline < G_MAXINT64)
    self->timer_id = g_timeout_add (CLAMP (deadline - keys_now (), 0, G_MAXINT), on_timer, self);
  if (first)
    self->calls->changed (self->data);
}

static gboolean
on_timer (gpointer data)
{
  ScopeKeys *self = data;

  self->timer_id = 0;
  scope_kex_tick (self->kex, keys_now ());
  run (self);
  return G_SOURCE_REMOVE;
}

/* --- what comes ---------------------------------------------------------------------------- */

/* The peer's newest key, which trust has verified; taken once. */
static void
take_key (ScopeKeys *self, ScopeTrust *trust, const ScopeTrustPeer *peer)
{
  g_autofree char *envelope = scope_trust_peer_kex (peer);
  g_autoptr (ScopeJws) jws = envelope ? scope_jws_parse (envelope, strlen (envelope), NULL) : NULL;
  ScopeKexKey key;

  if (jws && scope_kex_key_verify (jws, self->network, peer->identity, &peer->key, &key, NULL))
    scope_kex_handle_key (self->kex, keys_now (), &key);
}

/* Who was in an interface that is not ours stays known: one that is gone for a moment must not cost the keys. */
static gboolean
needs_keys (ScopeKeys *self, const ScopeTrustPeer *peer)
{
  ScopeKexStats stats;

  return peer->needs_pq && peer->record->pq != SCOPE_PQ_OFF &&
         (!self->attached || g_hash_table_contains (self->known, &peer->key) || look (&peer->key, &stats, self));
}

/* What its admin gave to an interface that is not ours is the key to go back to. */
static void
adopt (ScopeKeys *self, const ScopeKey *peer)
{
  ScopeKexStats stats;
  const ScopeWgPeer *found;

  if (self->attached && !g_hash_table_contains (self->known, peer) && look (peer, &stats, self) &&
      (found = scope_wg_device_find (self->device, peer)))
    scope_kex_adopt (self->kex, keys_now (), peer, &found->preshared);
}

/* Those of @peers who are relays, or are not. */
static void
meet (ScopeKeys *self, ScopeTrust *trust, const GPtrArray *peers, gboolean relays, gboolean arrived, GHashTable *now_known)
{
  g_autoptr (GArray) fresh = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  gboolean online = self->listed;

  for (guint i = 0; i < peers->len; i++)
    {
      const ScopeTrustPeer *peer = g_ptr_array_index (peers, i);

      if (scope_role_is_relay (peer->role) != relays || !needs_keys (self, peer))
        continue;
      adopt (self, &peer->key);
      g_hash_table_add (now_known, g_memdup2 (&peer->key, sizeof peer->key));
      if (online && peer->online && g_hash_table_add (self->online, g_memdup2 (&peer->key, sizeof peer->key)))
        scope_kex_peer_online (self->kex, keys_now (), &peer->key, arrived);
      else if ((!online || !peer->online) && g_hash_table_remove (self->online, &peer->key))
        scope_kex_peer_offline (self->kex, keys_now (), &peer->key);
      /* Of somebody who is not there, or whose roster has more to come, it is for later. */
      if (peer->has_kex && g_hash_table_contains (self->online, &peer->key))
        {
          take_key (self, trust, peer);
          g_array_append_val (fresh, peer->key);
        }
    }
  for (guint i = 0; i < fresh->len; i++)
    scope_trust_drop_kex (trust, &g_array_index (fresh, ScopeKey, i));
}

void
scope_keys_set_peers (ScopeKeys *self, ScopeTrust *trust, gboolean online, gboolean arrived)
{
  g_autoptr (GPtrArray) peers = scope_trust_peers (trust);
  g_autoptr (GHashTable) now_known = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer gone;

  self->listed = online;
  meet (self, trust, peers, TRUE, arrived, now_known);
  self->at_once = TRUE; /* first packets go by a relay */
  run (self);
  self->at_once = FALSE;
  meet (self, trust, peers, FALSE, arrived, now_known);
  g_hash_table_iter_init (&iter, self->known);
  while (g_hash_table_iter_next (&iter, &gone, NULL))
    if (!g_hash_table_contains (now_known, gone))
      {
        scope_kex_peer_removed (self->kex, keys_now (), gone);
        g_hash_table_remove (self->online, gone);
        g_hash_table_remove (self->cts, gone);
      }
  g_hash_table_unref (self->known);
  self->known = g_steal_pointer (&now_known);
  run (self);
}

/* A signed thing that one peer sent to us: its envelope is in @member. */
static ScopeJws *
take_envelope (const ScopeV1Message *message, const char *member, GError **error)
{
  JsonNode *node = json_object_get_member (message->body, member);

  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return scope_jws_from_object (json_node_get_object (node), error);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s: missing", member);
  return NULL;
}

static void
take_between (ScopeKeys *self, const ScopeTrustPeer *peer, const ScopeV1Message *message)
{
  g_autoptr (ScopeJws) jws = NULL;
  GError *error = NULL;
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_debug ("%s from %.8s", message->name, scope_key_to_base64 (&peer->key, text));
  if (g_str_equal (message->name, "kex.ct"))
    {
      ScopeKexCt ct;

      jws = take_envelope (message, "ct", &error);
      if (jws && scope_kex_ct_verify (jws, self->network, peer->identity, &peer->key, &self->own, &ct, &error))
        scope_kex_handle_ct (self->kex, keys_now (), &ct);
    }
  else if (g_str_equal (message->name, "kex.want"))
    {
      ScopeKexKey key;

      jws = take_envelope (message, "kex", &error);
      if (jws && scope_kex_key_verify (jws, self->network, peer->identity, &peer->key, &key, &error))
        scope_kex_handle_want (self->kex, keys_now (), &key);
    }
  else
    {
      ScopeKexMessage parsed;

      if (scope_kex_message_parse (&parsed, message->name, message->body, &error))
        scope_kex_handle_message (self->kex, keys_now (), &peer->key, &parsed);
    }
  if (error)
    keys_refuse (self, peer, message->name, error);
}

void
scope_keys_take (ScopeKeys *self, ScopeTrust *trust, const ScopeV1Message *message)
{
  const ScopeTrustPeer *peer;

  if (message->type == SCOPE_V1_JOIN)
    {
      const ScopeV1Entry *entry = message->peers->len ? g_ptr_array_index (message->peers, 0) : NULL;

      if (entry) /* it may be another session of somebody who was online all the time */
        g_hash_table_remove (self->online, &entry->key);
      return;
    }
  peer = scope_trust_find (trust, &message->other);
  if (!peer || !needs_keys (self, peer))
    {
      char text[SCOPE_KEY_BASE64_LEN + 1];

      g_info ("%s from %s, which is no peer of ours: ignored", message->name, scope_key_to_base64 (&message->other, text));
      return;
    }
  /* A newcomer speaks within the moment in which what changes the roster is gathered. */
  if (self->listed && peer->online && !g_hash_table_contains (self->online, &peer->key))
    scope_keys_set_peers (self, trust, TRUE, FALSE);
  if (message->type == SCOPE_V1_KEX)
    take_between (self, peer, message);
  else if (peer->has_kex && g_hash_table_contains (self->online, &peer->key))
    {
      take_key (self, trust, peer);
      scope_trust_drop_kex (trust, &message->other);
    }
  run (self);
}

/* --- life ---------------------------------------------------------------------------------- */

void
scope_keys_set_time (ScopeKeys *self, gint64 offset)
{
  /* Whoever lies about the time by more could send us through epochs. */
  offset = CLAMP (offset, -SCOPE_CLOCK_SKEW * 1000, SCOPE_CLOCK_SKEW * 1000);
  scope_kex_set_offset (self->kex, g_get_real_time () / 1000 + offset - keys_now ());
}

char *
scope_keys_dup_own (ScopeKeys *self)
{
  /* Of an epoch of the wrong length it would be refused, and all later ones with it when its number is higher. */
  if (!self->has_length)
    return NULL;
  scope_kex_tick (self->kex, keys_now ());
  run (self);
  self->told = self->envelope != NULL;
  return g_strdup (self->envelope);
}

void
scope_keys_open (ScopeKeys *self, guint epoch_seconds)
{
  self->open = TRUE;
  if (epoch_seconds)
    scope_kex_set_epoch_seconds (self->kex, MAX (epoch_seconds, EPOCH_MIN_SECONDS));
  self->has_length = TRUE;
  scope_kex_tick (self->kex, keys_now ());
  run (self);
  if (self->envelope && !self->told)
    keys_tell (self);
}

void
scope_keys_close (ScopeKeys *self)
{
  GHashTableIter iter;
  gpointer key;

  self->open = self->listed = FALSE;
  g_clear_handle_id (&self->state_id, g_source_remove);
  g_hash_table_iter_init (&iter, self->online);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    scope_kex_peer_offline (self->kex, keys_now (), key);
  g_hash_table_remove_all (self->online);
  run (self);
}

void
scope_keys_set_tunnel (ScopeKeys *self, ScopeTunnel *tunnel)
{
  g_set_object (&self->tunnel, tunnel);
  g_clear_pointer (&self->device, scope_wg_device_free);
  scope_kex_tick (self->kex, keys_now ());
  run (self);
}

void
scope_keys_rotate (ScopeKeys *self, gboolean hurry)
{
  scope_kex_rotate (self->kex, keys_now (), hurry);
  run (self);
}

static void
load (ScopeKeys *self)
{
  g_autoptr (ScopeSecret) text = NULL;
  g_autoptr (GError) error = NULL;
  gsize len;

  if (g_file_get_contents (self->path, &text, &len, &error))
    {
      self->has_length = scope_kex_load (self->kex, keys_now (), text, len, &error);
      if (!self->has_length)
        g_warning ("%s: %s: new keys will be made", self->path, error->message);
    }
  else if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_warning ("%s", error->message);
}

ScopeKeys *
scope_keys_new (const ScopeSourceConfig *config, const ScopeKeysCalls *calls, gpointer data)
{
  static const ScopeKexOps ops = {
    scope_kem_generate, scope_kem_encapsulate, scope_kem_decapsulate, scope_kem_confirm, scope_sha3_256, look,
  };
  ScopeKeys *self = g_new0 (ScopeKeys, 1);

  self->calls = calls;
  self->data = data;
  self->network = g_strdup (config->settings->netreg);
  self->path = g_strconcat (config->state, ".keys", NULL);
  self->own = config->own;
  self->attached = config->settings->mode == SCOPE_MODE_KEYS_ONLY;
  self->identity = scope_identity_ref (config->identity);
  self->known = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  self->online = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  self->quiet = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  self->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->cts = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, keys_signed_ct_free);
  self->kex = scope_kex_new (&ops, self, self->network, &self->own, SCOPE_KEX_EPOCH_SECONDS);
  scope_keys_set_time (self, 0);
  load (self);
  return self;
}

void
scope_keys_free (ScopeKeys *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  g_clear_handle_id (&self->state_id, g_source_remove);
  g_clear_handle_id (&self->quiet_id, g_source_remove);
  g_clear_handle_id (&self->later_id, g_source_remove);
  g_queue_clear_full (&self->later, (GDestroyNotify) scope_kex_action_free);
  if (self->save_id)
    {
      g_clear_handle_id (&self->save_id, g_source_remove);
      save (self);
    }
  scope_kex_free (self->kex);
  g_clear_object (&self->tunnel);
  g_clear_pointer (&self->device, scope_wg_device_free);
  g_hash_table_unref (self->known);
  g_hash_table_unref (self->online);
  g_hash_table_unref (self->quiet);
  g_hash_table_unref (self->refused);
  g_hash_table_unref (self->cts);
  g_clear_pointer (&self->identity, scope_identity_unref);
  g_free (self->network);
  g_free (self->path);
  g_free (self->envelope);
  g_free (self);
}
