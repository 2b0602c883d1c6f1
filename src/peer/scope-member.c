/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-member-private.h"

#include "peer/scope-choose.h"
#include "peer/scope-describe.h"
#include "peer/scope-memory.h"
#include "peer/scope-outside.h"
#include "peer/scope-reach.h"

#define STORE_SECONDS 5 /* the cache is written at most this often: it costs a write to the disk */
#define GATHER_MS 20    /* events that come together make one roster */
#define TICK_MAX_SECONDS 3600
#define CHECK_SECONDS 30 /* an interface that others change; well below WireGuard's 120 s to the next handshake */

G_DEFINE_FINAL_TYPE (ScopeMember, scope_member, SCOPE_TYPE_SOURCE)

gint64
member_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static gboolean
keys_only (ScopeMember *self)
{
  return self->settings->mode == SCOPE_MODE_KEYS_ONLY;
}

/* --- what is kept -------------------------------------------------------------------------- */

gboolean
member_store (ScopeMember *self)
{
  g_clear_handle_id (&self->store_id, g_source_remove);
  return !self->trust || scope_memory_store (self->state, self->trust);
}

static gboolean
on_store (gpointer data)
{
  ScopeMember *self = data;

  self->store_id = 0;
  member_store (self);
  return G_SOURCE_REMOVE;
}

void
member_store_soon (ScopeMember *self)
{
  if (!self->store_id && self->trust && scope_trust_is_dirty (self->trust))
    self->store_id = g_timeout_add_seconds (STORE_SECONDS, on_store, self);
}

static void
make_trust (ScopeMember *self, const char *root)
{
  self->trust = scope_trust_new (self->settings->netreg, root, &self->own, scope_identity_public (self->identity),
                                 self->settings->pq);
  scope_memory_load (self->state, self->trust, member_now ());
}

/* It may be anybody's: whom to believe is for a person to say, or for the profile. */
void
member_meet_root (ScopeMember *self, const ScopeV1Message *challenge, GError **error)
{
  g_autoptr (ScopeIdentityPublic) root = scope_identity_public_parse (challenge->identity, error);
  g_autoptr (GError) unconfirmed = NULL;

  if (!root)
    return;
  g_free (self->met_root);
  self->met_root = g_strdup (scope_identity_public_fingerprint (root));
  unconfirmed = g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNCONFIRMED,
                             "registry %s: network %s has the root key %s, which nobody has confirmed for this profile: if it is "
                             "the right one set root to it, or start the connection where a person can be asked (nmcli --ask)",
                             scope_v1_session_get_registry (self->session), self->settings->netreg, self->met_root);
  scope_source_emit_fatal (SCOPE_SOURCE (self), unconfirmed);
  g_propagate_error (error, g_steal_pointer (&unconfirmed));
}

/* --- the role ------------------------------------------------------------------------------ */

/* A relay forwards. Its grant may change, and so may what is behind us. */
void
member_follow_role (ScopeMember *self)
{
  const ScopeGrant *grant = self->trust ? scope_trust_own_grant (self->trust) : NULL;
  const ScopeTunnelConfig *config = self->tunnel ? scope_tunnel_get_config (self->tunnel) : NULL;
  gboolean forwards = config && grant && scope_role_is_relay (grant->role) && !keys_only (self);
  g_autoptr (GError) error = NULL;

  if (!forwards)
    g_clear_pointer (&self->forward, scope_forward_free);
  else if (self->forward)
    scope_forward_set_ranges (self->forward, grant->ranges);
  else if (!(self->forward = scope_forward_new (config->ifname, config->listen_port, grant->ranges, &error)))
    g_warning ("not forwarding for others: %s", error->message);
  if (!self->forward)
    g_clear_pointer (&self->masquerade, scope_masquerade_free);
  else if (self->settings->masquerade && !self->masquerade)
    self->masquerade = scope_masquerade_new (config->ifname);
}

static void
on_mapped (const char *endpoint, gpointer data)
{
  ScopeMember *self = data;

  g_free (self->mapped);
  self->mapped = g_strdup (endpoint);
  if (!self->welcomed)
    return;
  member_send_record (self);
  if (self->links)
    {
      scope_links_set_own (self->links, self->endpoints, self->observed);
      if (endpoint)
        scope_links_punch_anew (self->links);
    }
}

/*
 * Where nobody gets in by himself: a relay behind a NAT, and an edge whose NAT cannot be punched. Once asked for it is kept: the
 * mapping itself changes how the NAT looks.
 */
static void
map_port (ScopeMember *self)
{
  const ScopeSettings *settings = self->settings;
  const ScopeGrant *grant = self->trust ? scope_trust_own_grant (self->trust) : NULL;
  gboolean needed = !settings->endpoints[0] && ((grant && scope_role_is_relay (grant->role)) ||
                    (self->links && scope_links_is_shut (self->links)));

  if (self->portmap || !self->tunnel || keys_only (self) || settings->port_mapping == SCOPE_USE_OFF ||
      (settings->port_mapping == SCOPE_USE_AUTO && !needed))
    return;
  self->portmap = scope_portmap_new (self->port, scope_tunnel_get_config (self->tunnel)->ifname, on_mapped, self);
}

/* --- the roster ---------------------------------------------------------------------------- */

void
member_publish (ScopeMember *self, gboolean arrived)
{
  ScopeRoster *roster = scope_trust_roster (self->trust);
  const char *exit = self->settings->exit;
  ScopeKey exit_key;

  if (self->heartbeat)
    roster->heartbeat = self->heartbeat;
  scope_reach_choose (roster, self->trust, (const char *const *) self->endpoints,
                      (const char *const *) self->observed);
  scope_keys_set_peers (self->keys, self->trust, self->whole, arrived);
  if (self->links)
    {
      guint keepalive = self->settings->keepalive >= 0 ? (guint) self->settings->keepalive : MIN (roster->heartbeat, G_MAXUINT16);

      scope_links_set_own (self->links, self->endpoints, self->observed);
      scope_links_set_exit (self->links, exit && scope_source_find (SCOPE_SOURCE (self), exit, &exit_key) ? &exit_key : NULL);
      scope_links_set_peers (self->links, self->trust, self->whole, arrived, keepalive);
    }
  scope_observer_wake (self->observer);
  member_follow_role (self);
  map_port (self);
  g_clear_handle_id (&self->peers_id, g_source_remove); /* a roster has the peers applied, too */
  scope_source_emit_roster (SCOPE_SOURCE (self), roster, !self->welcomed);
}

static gboolean
on_gathered (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  self->gather_id = 0;
  member_publish (self, FALSE);
  return G_SOURCE_REMOVE;
}

void
member_publish_soon (ScopeMember *self)
{
  if (!self->gather_id)
    self->gather_id = g_timeout_add (GATHER_MS, on_gathered, self);
}

static gboolean
on_tick (gpointer data)
{
  ScopeMember *self = data;

  self->tick_id = 0;
  if (scope_trust_tick (self->trust, member_now (), NULL))
    member_publish_soon (self);
  member_store_soon (self);
  member_plan_tick (self);
  return G_SOURCE_REMOVE;
}

/* Something that was granted or said comes to its end. */
void
member_plan_tick (ScopeMember *self)
{
  gint64 next, now = member_now ();

  g_clear_handle_id (&self->tick_id, g_source_remove);
  if (scope_trust_tick (self->trust, now, &next))
    member_publish_soon (self);
  if (next < G_MAXINT64)
    self->tick_id = g_timeout_add_seconds (CLAMP (next - now, 1, TICK_MAX_SECONDS), on_tick, self);
}

/* --- the keys ------------------------------------------------------------------------------ */

static gboolean
on_send (const char *text, gpointer data)
{
  ScopeMember *self = data;

  return scope_v1_session_send (self->session, text);
}

static void
scope_member_peers (ScopeSource *source, GPtrArray *wanted)
{
  ScopeMember *self = SCOPE_MEMBER (source);
  g_autoptr (GPtrArray) bare = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);

  for (guint i = wanted->len; i-- > 0;)
    {
      ScopeWgPeer *peer = g_ptr_array_index (wanted, i);
      const ScopeTrustPeer *trusted = scope_trust_find (self->trust, &peer->pub);

      if (!trusted)
        g_ptr_array_remove_index (wanted, i);
      else if ((trusted->needs_pq || keys_only (self)) && !scope_keys_dress (self->keys, peer))
        g_ptr_array_add (bare, g_ptr_array_steal_index (wanted, i));
    }
  if (self->links)
    scope_links_shape (self->links, wanted, bare, self->keys);
}

static void
scope_member_applied (ScopeSource *source, const GPtrArray *wanted)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  if (self->links)
    scope_links_applied (self->links, wanted);
}

/* --- the links ----------------------------------------------------------------------------- */

static gboolean
on_peers_due (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  self->peers_id = 0;
  scope_source_emit_peers (SCOPE_SOURCE (self));
  return G_SOURCE_REMOVE;
}

/* Several links change together, and in the middle of things; who joins gets keys with all others in one moment. */
static void
on_peers_changed (gpointer data)
{
  ScopeMember *self = data;

  if (!self->peers_id)
    self->peers_id = g_idle_add_full (G_PRIORITY_DEFAULT, on_peers_due, self, NULL);
}

static void
on_links_attached (gpointer data)
{
  ScopeMember *self = data;

  if (self->welcomed)
    member_send_record (self);
  scope_source_emit_news (SCOPE_SOURCE (self));
}

static void
on_links_news (gpointer data)
{
  map_port (data);
  scope_source_emit_news (data);
}

static const ScopeKeysCalls keys_calls = { on_send, on_peers_changed };
static const ScopeLinksCalls links_calls = { on_send, on_peers_changed, on_links_attached, on_links_news };

/* --- life ---------------------------------------------------------------------------------- */

static gboolean
on_observed (const char *text, gpointer data)
{
  return on_send (text, data);
}

/* The interface has a peer more, or its owner has written other preshared keys. */
static gboolean
on_check (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  if (self->trust && scope_trust_own_grant (self->trust))
    member_publish (self, FALSE);
  return G_SOURCE_CONTINUE;
}

static void
scope_member_running (ScopeSource *source, ScopeTunnel *tunnel)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  g_set_object (&self->tunnel, tunnel);
  self->port = scope_tunnel_get_config (tunnel)->listen_port;
  scope_keys_set_tunnel (self->keys, tunnel);
  scope_observer_set_tunnel (self->observer, tunnel);
  if (self->links)
    scope_links_set_tunnel (self->links, tunnel);
  member_follow_role (self);
  map_port (self);
  if (self->welcomed)
    member_send_record (self);
  if (keys_only (self))
    self->check_id = g_timeout_add_seconds (CHECK_SECONDS, on_check, self);
}

static void
scope_member_start (ScopeSource *source)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  if (self->links)
    scope_links_open (self->links, self->port);
  scope_v1_session_start (self->session);
  if (self->trust && scope_trust_own_grant (self->trust))
    {
      g_message ("network %s: %u verified peers from the cache", self->settings->network, scope_trust_n_peers (self->trust));
      member_plan_tick (self);
      member_publish (self, FALSE);
    }
}

static void
scope_member_stop (ScopeSource *source)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  if (!self->stopped)
    member_store (self);
  self->stopped = TRUE;
  g_clear_handle_id (&self->store_id, g_source_remove);
  g_clear_handle_id (&self->gather_id, g_source_remove);
  g_clear_handle_id (&self->tick_id, g_source_remove);
  g_clear_handle_id (&self->check_id, g_source_remove);
  g_clear_handle_id (&self->peers_id, g_source_remove);
  if (self->session)
    scope_v1_session_stop (self->session);
  g_clear_pointer (&self->observer, scope_observer_free);
  g_clear_pointer (&self->links, scope_links_free);
  g_clear_pointer (&self->keys, scope_keys_free);
  g_clear_pointer (&self->forward, scope_forward_free);
  g_clear_pointer (&self->masquerade, scope_masquerade_free);
  g_clear_pointer (&self->portmap, scope_portmap_free);
  g_clear_object (&self->tunnel);
}

static void
scope_member_kick (ScopeSource *source, gboolean moved)
{
  ScopeMember *self = SCOPE_MEMBER (source);
  char *nowhere[] = { NULL };

  if (moved)
    {
      g_clear_pointer (&self->observed, g_strfreev); /* that was elsewhere */
      scope_v1_session_kick (self->session);
      member_look_at_endpoints (self, NULL);
    }
  else if (self->welcomed)
    member_send_record (self);
  if (self->portmap)
    scope_portmap_kick (self->portmap);
  if (self->links)
    {
      scope_links_set_own (self->links, self->endpoints, self->observed ? self->observed : nowhere);
      scope_links_kick (self->links, moved);
    }
  if (self->trust)
    member_plan_tick (self); /* timers do not count the time that the machine slept */
}

static void
scope_member_pause (ScopeSource *source, gboolean paused)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  scope_v1_session_pause (self->session, paused);
  if (self->links)
    scope_links_pause (self->links, paused);
}

/* Of several that are called so the one with the lowest key: names are the root's, who can tell them apart. */
static gboolean
scope_member_find (ScopeSource *source, const char *name, ScopeKey *key)
{
  ScopeMember *self = SCOPE_MEMBER (source);
  g_autoptr (GPtrArray) peers = self->trust ? scope_trust_peers (self->trust) : NULL;

  for (guint i = 0; peers && i < peers->len; i++)
    {
      const ScopeTrustPeer *peer = g_ptr_array_index (peers, i);

      if (g_strcmp0 (peer->grant->name, name) != 0)
        continue;
      *key = peer->key;
      return TRUE;
    }
  return FALSE;
}

static char *
scope_member_dup_gateway (ScopeSource *source)
{
  return g_strdup (scope_v1_session_get_gateway (SCOPE_MEMBER (source)->session));
}

/* Wherever a peer may be, link checks go there; also while it is not online: nothing changes then when it comes. */
static void
scope_member_outside (ScopeSource *source, GArray *addresses)
{
  ScopeMember *self = SCOPE_MEMBER (source);
  g_autoptr (GPtrArray) peers = self->trust ? scope_trust_peers (self->trust) : NULL;

  for (guint i = 0; peers && i < peers->len; i++)
    for (const char **text = ((const ScopeTrustPeer *) g_ptr_array_index (peers, i))->candidates; *text; text++)
      scope_outside_add_text (addresses, *text);
  for (char **server = self->settings->stun_servers; server && *server; server++)
    scope_outside_add_text (addresses, *server);
}

void
scope_member_rotate (ScopeMember *self, gboolean hurry)
{
  scope_keys_rotate (self->keys, hurry);
}

char *
scope_member_describe (ScopeMember *self)
{
  return scope_describe (self->settings, self->whole, self->trust, self->keys, self->links, self->tunnel, NULL, NULL);
}

const char *
scope_member_get_met_root (ScopeMember *self)
{
  return self->met_root;
}

ScopeSource *
scope_member_new (const ScopeSourceConfig *config, GError **error)
{
  g_autoptr (ScopeMember) self = g_object_new (SCOPE_TYPE_MEMBER, NULL);

  self->settings = config->settings;
  self->state = g_strdup (config->state);
  self->own = config->own;
  self->identity = scope_identity_ref (config->identity);
  self->pinned = config->settings->root != NULL;
  self->port = scope_choose_port (config->settings, config->uuid);
  self->session = scope_v1_session_new (config->settings, self->pinned ? &member_pinned_calls : &member_open_calls, self, error);
  if (!self->session)
    return NULL;
  self->self = scope_self_new (config->settings, &config->own, self->identity);
  self->keys = scope_keys_new (config, &keys_calls, self);
  self->observer = scope_observer_new (on_observed, self);
  if (!keys_only (self))
    self->links = scope_links_new (config->settings, &config->own, &links_calls, self);
  if (self->pinned)
    make_trust (self, config->settings->root);
  return SCOPE_SOURCE (g_steal_pointer (&self));
}

static void
scope_member_dispose (GObject *object)
{
  ScopeMember *self = SCOPE_MEMBER (object);

  if (self->session)
    scope_member_stop (SCOPE_SOURCE (self));
  g_clear_object (&self->session);
  G_OBJECT_CLASS (scope_member_parent_class)->dispose (object);
}

static void
scope_member_finalize (GObject *object)
{
  ScopeMember *self = SCOPE_MEMBER (object);

  g_clear_pointer (&self->trust, scope_trust_free);
  g_clear_pointer (&self->self, scope_self_free);
  g_clear_pointer (&self->identity, scope_identity_unref);
  g_free (self->state);
  g_free (self->mapped);
  g_free (self->met_root);
  g_strfreev (self->endpoints);
  g_strfreev (self->observed);
  G_OBJECT_CLASS (scope_member_parent_class)->finalize (object);
}

static void
scope_member_init (ScopeMember *self)
{
}

static void
scope_member_class_init (ScopeMemberClass *class)
{
  ScopeSourceClass *source_class = SCOPE_SOURCE_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_member_dispose;
  G_OBJECT_CLASS (class)->finalize = scope_member_finalize;
  source_class->start = scope_member_start;
  source_class->stop = scope_member_stop;
  source_class->kick = scope_member_kick;
  source_class->pause = scope_member_pause;
  source_class->running = scope_member_running;
  source_class->peers = scope_member_peers;
  source_class->applied = scope_member_applied;
  source_class->find = scope_member_find;
  source_class->dup_gateway = scope_member_dup_gateway;
  source_class->outside = scope_member_outside;
}
