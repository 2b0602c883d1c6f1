/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-links-private.h"

#include "peer/scope-reach.h"
#include "tunnel/scope-policy.h"

gint64
scope_links_now (void)
{
  return g_get_monotonic_time () / 1000;
}

ScopeLink *
scope_links_find (ScopeLinks *self, const ScopeKey *key)
{
  return g_hash_table_lookup (self->table, key);
}

gboolean
scope_link_is_lower (const ScopeLink *link)
{
  return scope_key_compare (&link->links->own, &link->key) < 0;
}

static void
link_free (ScopeLink *link)
{
  scope_punch_free (link->punch);
  g_clear_pointer (&link->check, scope_stun_check_free);
  g_free (link->their_id);
  g_free (link);
}

/* --- the path machine, and the one timer --------------------------------------------------- */

static void
send_paths (ScopeLinks *self)
{
  ScopePathSend send;

  while (scope_path_pop (self->path, &send))
    {
      g_autoptr (JsonObject) body = scope_path_message_format (&send.message);

      if (send.relayed)
        scope_links_say_relayed (self, &send.to, scope_path_message_name (send.message.type), body);
      else
        scope_links_say (self, &send.to, scope_path_message_name (send.message.type), body,
                         send.direct ? SAY_LINK : SAY_ANYHOW);
    }
}

static void
note_attachment (ScopeLinks *self)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey relay;

  scope_path_attachment (self->path, &relay);
  if (!scope_path_is_moving (self->path) && !scope_key_equal (&relay, &self->recorded))
    {
      self->recorded = relay;
      self->calls->attached (self->data);
    }
  if (scope_key_equal (&relay, &self->attachment))
    return;
  if (self->liveness)
    {
      scope_liveness_watch (self->liveness, &self->attachment, FALSE);
      scope_liveness_watch (self->liveness, &relay, TRUE);
    }
  self->attachment = relay;
  if (scope_key_is_zero (&relay))
    g_message ("attached to no relay");
  else
    g_message ("attached to relay %.8s", scope_key_to_base64 (&relay, text));
}

static gboolean on_timer (gpointer data);

void
scope_links_plan (ScopeLinks *self)
{
  gint64 now = scope_links_now (), next = self->path ? scope_path_deadline (self->path) : G_MAXINT64;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      gint64 tick = scope_punch_tick (link->punch, now); /* which may set due */

      next = MIN (next, MIN (link->due, tick));
    }
  scope_links_review_mapping (self);
  next = MIN (next, self->mapping.due);
  g_clear_handle_id (&self->timer_id, g_source_remove);
  if (next < G_MAXINT64)
    self->timer_id = g_timeout_add (CLAMP (next - now, 0, G_MAXINT), on_timer, self);
}

void
scope_links_run (ScopeLinks *self)
{
  if (self->path)
    {
      send_paths (self);
      if (scope_path_changed (self->path))
        {
          note_attachment (self);
          scope_links_measure (self);
          self->calls->changed (self->data);
        }
    }
  scope_links_plan (self);
}

static gboolean
on_timer (gpointer data)
{
  ScopeLinks *self = data;
  gint64 now = scope_links_now ();
  GHashTableIter iter;
  gpointer value;

  self->timer_id = 0;
  if (self->path)
    scope_path_tick (self->path, now);
  scope_links_hold_mapping (self);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      if (now >= link->due)
        scope_link_punch (link, now);
    }
  scope_links_run (self);
  return G_SOURCE_REMOVE;
}

/* --- what the liveness says ---------------------------------------------------------------- */

static void
on_up (const ScopeKey *peer, guint ms, gpointer data)
{
  ScopeLinks *self = data;
  ScopeLink *link = scope_links_find (self, peer);
  char text[SCOPE_KEY_BASE64_LEN + 1];
  gboolean fresh;

  if (!link)
    return;
  fresh = !link->up;
  g_debug ("link to %.8s is up, %u ms", scope_key_to_base64 (peer, text), ms);
  link->up = TRUE;
  if (fresh)
    link->up_since = scope_links_now ();
  link->due = G_MAXINT64;
  link->failures = 0;
  scope_punch_stop (link->punch);
  scope_link_measure (link);
  scope_liveness_hasty (self->liveness, peer, !scope_role_is_relay (self->role) && !scope_role_is_relay (link->role));
  if (self->path)
    scope_path_link_up (self->path, scope_links_now (), peer, ms);
  scope_links_report (self, link, fresh);
  scope_links_run (self);
  if (fresh)
    self->calls->changed (self->data);
}

static const ScopeLivenessCalls liveness_calls = { on_up, scope_links_on_rtt, scope_links_on_down, scope_links_on_slow,
                                                   scope_links_on_message };

void
scope_links_applied (ScopeLinks *self, const GPtrArray *wanted)
{
  if (!self->liveness)
    return;
  scope_liveness_set_peers (self->liveness, wanted);
  for (guint i = 0; i < wanted->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (wanted, i);
      ScopeLink *link = scope_links_find (self, &peer->pub);

      if (!link || link->up || link->wanted || peer->endpoint.any.sa_family == AF_UNSPEC)
        continue;
      link->wanted = TRUE;
      scope_liveness_want (self->liveness, &peer->pub);
      scope_links_expect_carry (self, link);
    }
}

/* --- who there is -------------------------------------------------------------------------- */

/* With our first grant, and again with one for another role. Returns whether it is a new one. */
static gboolean
make_path (ScopeLinks *self, const ScopeTrust *trust)
{
  const ScopeGrant *grant = scope_trust_own_grant (trust);

  if (!grant || (self->path && self->role == grant->role))
    return FALSE;
  g_clear_pointer (&self->path, scope_path_free);
  self->role = grant->role;
  self->path = scope_path_new (&self->own, self->role, g_get_real_time () / 1000);
  scope_path_registry (self->path, scope_links_now (), self->connected);
  if (self->agent)
    scope_stun_agent_set_serving (self->agent, scope_role_is_relay (self->role));
  return TRUE;
}

void
scope_links_set_exit (ScopeLinks *self, const ScopeKey *exit)
{
  self->exit = exit ? *exit : (ScopeKey){ 0 };
}

static ScopeLink *
ensure (ScopeLinks *self, const ScopeTrustPeer *peer)
{
  ScopeLink *link = scope_links_find (self, &peer->key);

  if (link)
    return link;
  link = g_new0 (ScopeLink, 1);
  link->links = self;
  link->key = peer->key;
  link->due = G_MAXINT64;
  link->punch = scope_punch_new (scope_link_is_lower (link), &link->self, &scope_link_punch_calls, link);
  g_hash_table_insert (self->table, &link->key, link);
  return link;
}

static void
tell_path (ScopeLinks *self, const ScopeTrustPeer *peer, gboolean connected)
{
  ScopePathMember member = { peer->key, peer->role, peer->pipe, peer->online || !connected, peer->record->attachment,
                             peer->record->sequence };

  scope_path_member (self->path, scope_links_now (), &member);
}

static void
update (ScopeLinks *self, const ScopeTrustPeer *peer, gboolean connected, gboolean arrived)
{
  gboolean fresh = !scope_links_find (self, &peer->key);
  ScopeLink *link = ensure (self, peer);
  gsize said = g_strv_length (peer->record->endpoints);
  gboolean online = connected ? peer->online : link->online;

  link->seen = TRUE;
  link->role = peer->role;
  link->plausible = scope_reach_is_plausible ((const char *const *) peer->record->endpoints,
                                              (const char *const *) peer->candidates + said,
                                              (const char *const *) self->endpoints, (const char *const *) self->observed);
  if (scope_role_is_relay (link->role) && peer->candidates[0])
    {
      link->plausible = TRUE;
      scope_links_add_server (self, peer->candidates[0]);
    }
  scope_link_arm (link);
  tell_path (self, peer, connected);
  if ((online && !link->online) || (fresh && !connected))
    {
      link->online = online;
      scope_link_begin (link, arrived || !connected);
    }
  else if (!online && link->online && link->up && self->liveness)
    scope_liveness_suspect (self->liveness, &link->key); /* perhaps only its session has ended */
  link->online = online;
}

/* What a new path machine does not know. */
static void
tell_links (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;

      if (link->up)
        scope_path_link_up (self->path, scope_links_now (), &link->key, MAX (scope_liveness_rtt (self->liveness, &link->key), 0));
    }
}

static gboolean
is_gone (gpointer key, gpointer value, gpointer data)
{
  ScopeLink *link = value;
  ScopeLinks *self = link->links;

  if (link->seen)
    return FALSE;
  scope_path_member_gone (self->path, scope_links_now (), key);
  return TRUE;
}

void
scope_links_set_peers (ScopeLinks *self, const ScopeTrust *trust, gboolean connected, gboolean arrived, guint keepalive)
{
  g_autoptr (GPtrArray) peers = scope_trust_peers (trust);
  GHashTableIter iter;
  gpointer value;
  gboolean fresh;

  self->keepalive = keepalive;
  fresh = make_path (self, trust);
  if (!self->path)
    return;
  if (connected != self->connected)
    {
      self->connected = connected;
      scope_path_registry (self->path, scope_links_now (), connected);
      if (connected && self->carrier)
        scope_carrier_kick (self->carrier);
      if (connected && arrived) /* calls may have been lost while nobody passed them on */
        scope_links_punch_anew (self);
    }
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    ((ScopeLink *) value)->seen = FALSE;
  for (guint i = 0; i < peers->len; i++)
    update (self, g_ptr_array_index (peers, i), connected, arrived);
  g_hash_table_foreach_remove (self->table, is_gone, NULL);
  if (fresh)
    tell_links (self);
  scope_path_prefer (self->path, scope_links_now (), scope_key_is_zero (&self->exit) ? NULL : &self->exit);
  if (arrived)
    scope_links_report (self, NULL, TRUE);
  scope_links_run (self);
}

void
scope_links_take (ScopeLinks *self, const ScopeV1Message *message)
{
  if (message->type == SCOPE_V1_PATH)
    scope_links_dispatch (self, &message->other, FALSE, message->name, message->body);
  else if (message->type == SCOPE_V1_PATHS)
    scope_links_take_table (self, message);
  else if (message->type == SCOPE_V1_JOIN && message->peers->len)
    {
      const ScopeV1Entry *entry = g_ptr_array_index (message->peers, 0);
      ScopeLink *link = scope_links_find (self, &entry->key);

      if (link) /* it may be another session of somebody who was online all the time */
        link->online = FALSE;
    }
}

void
scope_links_close (ScopeLinks *self)
{
  self->connected = FALSE;
  if (!self->path)
    return;
  scope_path_registry (self->path, scope_links_now (), FALSE);
  scope_links_run (self);
}

/* Between edges there is mostly a NAT that does not know us any more: they are looked at faster, since
 * a relay is there instead. */
static void
check_links (ScopeLinks *self)
{
  g_autoptr (GPtrArray) edges = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((ScopeLink *) value)->up && ((ScopeLink *) value)->role == SCOPE_ROLE_EDGE)
      g_ptr_array_add (edges, value);
  for (guint i = 0; i < edges->len; i++)
    scope_liveness_suspect (self->liveness, &((ScopeLink *) g_ptr_array_index (edges, i))->key);
  scope_liveness_check_all (self->liveness);
}

void
scope_links_kick (ScopeLinks *self, gboolean moved)
{
  if (self->carrier)
    scope_carrier_kick (self->carrier);
  if (self->site)
    {
      self->carry_hold = 0;
      scope_site_reset (self->site);
      scope_links_ask_servers (self);
    }
  scope_links_punch_anew (self);
  if (moved && self->path)
    scope_path_moved (self->path, scope_links_now (), NULL);
  if (moved && self->liveness)
    check_links (self);
  scope_links_plan (self);
}

void
scope_links_pause (ScopeLinks *self, gboolean paused)
{
  self->paused = paused;
}

/* --- life ---------------------------------------------------------------------------------- */

void
scope_links_open (ScopeLinks *self, guint16 port)
{
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer value;

  self->agent = scope_stun_agent_new (port, SCOPE_FWMARK, &error);
  if (!self->agent)
    {
      g_warning ("no way through NATs: %s", error->message);
      return;
    }
  scope_stun_agent_set_serving (self->agent, self->path && scope_role_is_relay (self->role));
  self->site = scope_site_new (self->agent, scope_links_on_site, self);
  scope_links_ask_servers (self);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    scope_link_arm (value);
}

void
scope_links_set_tunnel (ScopeLinks *self, ScopeTunnel *tunnel)
{
  g_autoptr (GError) error = NULL;

  g_set_object (&self->tunnel, tunnel);
  self->liveness = scope_liveness_new (tunnel, &self->own, &liveness_calls, self, &error);
  if (!self->liveness)
    g_warning ("links are not watched: %s", error->message);
  scope_links_make_carrier (self, scope_tunnel_get_config (tunnel)->listen_port);
  scope_links_plan (self);
}

ScopeLinks *
scope_links_new (const ScopeSettings *settings, const ScopeKey *own, const ScopeLinksCalls *calls, gpointer data)
{
  ScopeLinks *self = g_new0 (ScopeLinks, 1);

  self->settings = settings;
  self->own = *own;
  self->calls = calls;
  self->data = data;
  self->table = g_hash_table_new_full (scope_key_hash, scope_key_equal, NULL, (GDestroyNotify) link_free);
  self->servers = g_ptr_array_new_with_free_func (g_free);
  self->mapping.due = G_MAXINT64;
  return self;
}

void
scope_links_free (ScopeLinks *self)
{
  scope_links_say_bye (self);
  g_clear_handle_id (&self->timer_id, g_source_remove);
  g_clear_handle_id (&self->report_id, g_source_remove);
  g_clear_handle_id (&self->ask_id, g_source_remove);
  g_clear_handle_id (&self->silence_id, g_source_remove);
  if (self->carrier)
    scope_carrier_stop (self->carrier);
  g_clear_object (&self->carrier);
  g_clear_pointer (&self->liveness, scope_liveness_free);
  g_clear_pointer (&self->site, scope_site_free);
  g_hash_table_unref (self->table);
  g_clear_pointer (&self->agent, scope_stun_agent_free);
  g_clear_pointer (&self->path, scope_path_free);
  g_clear_object (&self->tunnel);
  g_ptr_array_unref (self->servers);
  g_strfreev (self->endpoints);
  g_strfreev (self->observed);
  g_strfreev (self->candidates);
  g_free (self);
}

void
scope_links_signed (ScopeLinks *self, guint64 sequence)
{
  if (self->path)
    scope_path_sequence (self->path, sequence);
}

guint64
scope_links_attachment (ScopeLinks *self, ScopeKey *relay)
{
  *relay = (ScopeKey){ 0 };
  return self->path ? scope_path_attachment (self->path, relay) : 0;
}

gboolean
scope_links_state (ScopeLinks *self, const ScopeKey *peer, ScopeLinksState *state)
{
  const ScopeLink *link = scope_links_find (self, peer);
  const ScopeKey *hop;

  if (!link || !self->path)
    return FALSE;
  hop = scope_path_next_hop (self->path, peer);
  *state = (ScopeLinksState){ link->up, self->liveness ? scope_liveness_rtt (self->liveness, peer) : -1,
                             scope_path_way (self->path, peer), hop && !scope_key_equal (hop, peer) };
  if (state->has_via)
    state->via = *hop;
  return TRUE;
}

ScopeNatKind
scope_links_nat (ScopeLinks *self)
{
  return self->site ? scope_site_nat (self->site) : SCOPE_NAT_UNKNOWN;
}

gboolean
scope_links_is_shut (ScopeLinks *self)
{
  ScopeNatKind nat = scope_links_nat (self);

  return nat == SCOPE_NAT_CLOSED || (nat == SCOPE_NAT_UNKNOWN && self->missed);
}
