/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-member.h"

#include "common/scope-error.h"
#include "crypto/scope-link-address.h"
#include "peer/scope-choose.h"
#include "peer/scope-describe.h"
#include "peer/scope-keys.h"
#include "peer/scope-links.h"
#include "peer/scope-memory.h"
#include "peer/scope-observer.h"
#include "peer/scope-portmap.h"
#include "peer/scope-reach.h"
#include "peer/scope-self.h"
#include "peer/scope-v1-session.h"
#include "tunnel/scope-forward.h"
#include "tunnel/scope-masquerade.h"

#include <string.h>

#define STORE_SECONDS 5 /* the cache is written at most this often: it costs a write to the disk */
#define GATHER_MS 20    /* events that come together make one roster */
#define TICK_MAX_SECONDS 3600
#define CHECK_SECONDS 30 /* an interface that others change; well below WireGuard's 120 s to the next handshake */

struct _ScopeMember {
  ScopeSource parent_instance;

  const ScopeSettings *settings;
  char *state;
  ScopeKey own;
  ScopeIdentity *identity;

  ScopeTrust *trust; /* NULL until a root is known */
  ScopeSelf *self;
  ScopeKeys *keys;
  ScopeObserver *observer;
  ScopeLinks *links; /* NULL with keys-only: they are somebody else's */
  ScopeV1Session *session;
  ScopeTunnel *tunnel; /* while it runs */
  ScopeForward *forward; /* while we are a relay */
  ScopeMasquerade *masquerade; /* then, too, when the profile says so */
  guint16 port;
  ScopePortmap *portmap; /* while it runs, when the profile says so */
  char *mapped;          /* where the router lets others in to us */
  char **endpoints; /* what we say of ourselves */
  char **observed;  /* where the registry says that we were seen */
  guint heartbeat;
  guint told; /* of a roster that has not come to its end */
  gboolean welcomed;  /* by this session: the roster that comes is the registry's */
  gboolean whole;     /* and has come to its end */
  gboolean pinned;
  gboolean stopped;
  guint store_id;
  guint gather_id;
  guint tick_id;
  guint check_id;
  guint peers_id;
};

G_DEFINE_FINAL_TYPE (ScopeMember, scope_member, SCOPE_TYPE_SOURCE)

static gint64
now_seconds (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static gboolean
keys_only (ScopeMember *self)
{
  return self->settings->mode == SCOPE_MODE_KEYS_ONLY;
}

/* --- what is kept -------------------------------------------------------------------------- */

static gboolean
store (ScopeMember *self)
{
  g_clear_handle_id (&self->store_id, g_source_remove);
  return !self->trust || scope_memory_store (self->state, self->trust);
}

static gboolean
on_store (gpointer data)
{
  ScopeMember *self = data;

  self->store_id = 0;
  store (self);
  return G_SOURCE_REMOVE;
}

static void
store_soon (ScopeMember *self)
{
  if (!self->store_id && self->trust && scope_trust_is_dirty (self->trust))
    self->store_id = g_timeout_add_seconds (STORE_SECONDS, on_store, self);
}

static void
make_trust (ScopeMember *self, const char *root)
{
  self->trust = scope_trust_new (self->settings->netreg, root, &self->own, scope_identity_public (self->identity),
                                 self->settings->pq);
  scope_memory_load (self->state, self->trust, now_seconds ());
}

static gboolean
meet_root (ScopeMember *self, const ScopeV1Message *challenge, GError **error)
{
  g_autofree char *root = scope_memory_meet_root (self->state, challenge->identity, error);

  if (!root)
    return FALSE;
  g_message ("network %s: the profile names no root key: %s is believed from now on (root)", self->settings->network,
             root);
  self->pinned = TRUE;
  make_trust (self, root);
  return TRUE;
}

/* --- the role ------------------------------------------------------------------------------ */

/* A relay forwards. Its grant may change, and so may what is behind us. */
static void
follow_role (ScopeMember *self)
{
  const ScopeGrant *grant = self->trust ? scope_trust_own_grant (self->trust) : NULL;
  gboolean forwards = self->tunnel && grant && grant->role != SCOPE_ROLE_EDGE && !keys_only (self);
  g_autoptr (GError) error = NULL;

  if (!forwards)
    g_clear_pointer (&self->forward, scope_forward_free);
  else if (self->forward)
    scope_forward_set_ranges (self->forward, grant->ranges);
  else if (!(self->forward = scope_forward_new (scope_tunnel_get_config (self->tunnel)->ifname, grant->ranges, &error)))
    g_warning ("not forwarding for others: %s", error->message);
  if (!self->forward)
    g_clear_pointer (&self->masquerade, scope_masquerade_free);
  else if (self->settings->masquerade && !self->masquerade)
    self->masquerade = scope_masquerade_new (scope_tunnel_get_config (self->tunnel)->ifname);
}

/* --- the roster ---------------------------------------------------------------------------- */

static void
publish (ScopeMember *self, gboolean arrived)
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
  follow_role (self);
  scope_source_emit_roster (SCOPE_SOURCE (self), roster, !self->welcomed);
}

static gboolean
on_gathered (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  self->gather_id = 0;
  publish (self, FALSE);
  return G_SOURCE_REMOVE;
}

static void
publish_soon (ScopeMember *self)
{
  if (!self->gather_id)
    self->gather_id = g_timeout_add (GATHER_MS, on_gathered, self);
}

static void plan_tick (ScopeMember *self);

static gboolean
on_tick (gpointer data)
{
  ScopeMember *self = data;

  self->tick_id = 0;
  if (scope_trust_tick (self->trust, now_seconds (), NULL))
    publish_soon (self);
  store_soon (self);
  plan_tick (self);
  return G_SOURCE_REMOVE;
}

/* Something that was granted or said comes to its end. */
static void
plan_tick (ScopeMember *self)
{
  gint64 next, now = now_seconds ();

  g_clear_handle_id (&self->tick_id, g_source_remove);
  if (scope_trust_tick (self->trust, now, &next))
    publish_soon (self);
  if (next < G_MAXINT64)
    self->tick_id = g_timeout_add_seconds (CLAMP (next - now, 1, TICK_MAX_SECONDS), on_tick, self);
}

/* --- what we say of ourselves -------------------------------------------------------------- */

static void
look_at_endpoints (ScopeMember *self, const char *local)
{
  const char *tunnel = self->tunnel ? scope_tunnel_get_config (self->tunnel)->ifname : NULL;

  g_strfreev (self->endpoints);
  self->endpoints = scope_self_endpoints (self->settings, self->mapped, local, self->port, tunnel);
}

/* NULL without a grant, or when it cannot be signed. */
static const char *
own_record (ScopeMember *self, gboolean *changed)
{
  g_autofree char *local = scope_v1_session_dup_local (self->session);
  g_autoptr (GError) error = NULL;
  ScopeKey attachment = { 0 };
  guint64 sequence = 0;
  const char *record;

  *changed = FALSE;
  look_at_endpoints (self, local);
  if (!scope_trust_own_grant (self->trust))
    return NULL;
  if (self->links)
    sequence = scope_links_attachment (self->links, &attachment);
  record = scope_self_record (self->self, self->trust, self->endpoints, &attachment, sequence, now_seconds (), changed, &error);
  if (!record)
    g_warning ("our record: %s", error->message);
  else if (*changed && !store (self)) /* a sequence that is forgotten would be used twice: a fork */
    return NULL;
  if (*changed && self->links)
    scope_links_signed (self->links, scope_self_sequence (self->self));
  return record;
}

static void
send_record (ScopeMember *self)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);
  g_autofree char *text = NULL;
  gboolean changed;
  const char *record = own_record (self, &changed);

  if (!record || !changed)
    return;
  message->record = g_strdup (record);
  text = scope_v1_format (message);
  scope_v1_session_send (self->session, text);
}

/* A registry that shows another one serves another network, whatever we know from before. */
static gboolean
is_our_root (ScopeMember *self, const char *identity)
{
  g_autoptr (ScopeIdentityPublic) shown = scope_identity_public_parse (identity, NULL);
  const ScopeAuthority *authority = scope_trust_authority (self->trust);

  return shown && authority && scope_identity_public_equal (shown, scope_authority_root (authority));
}

static char *
hello (const ScopeV1Message *challenge, gpointer data, GError **error)
{
  ScopeMember *self = data;
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_HELLO);
  gint64 now = now_seconds ();
  const char *generation = NULL;
  gboolean changed;

  self->welcomed = self->whole = FALSE;
  self->told = 0;
  if (!self->trust && !meet_root (self, challenge, error))
    return NULL;
  scope_trust_take (self->trust, challenge, now);
  if (!is_our_root (self, challenge->identity))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "it serves a network %s with another root key than the pinned one",
                   self->settings->netreg);
      return NULL;
    }
  message->identity = scope_identity_public_format (scope_identity_public (self->identity));
  message->proof = scope_self_proof (self->self, challenge->nonce, now, error);
  if (!message->proof)
    return NULL;
  message->grant = scope_trust_own_envelope (self->trust);
  if (!message->grant)
    message->token = g_strdup (self->settings->token);
  message->record = g_strdup (own_record (self, &changed));
  scope_keys_set_time (self->keys, scope_v1_session_offset (self->session));
  message->kex = scope_keys_dup_own (self->keys);
  message->since = scope_trust_since (self->trust, now, &generation);
  message->generation = g_strdup (generation);
  return scope_v1_format (message);
}

/* --- what the registry says ---------------------------------------------------------------- */

static void
obey_kill (ScopeMember *self, const char *envelope)
{
  g_autoptr (ScopeKill) kill = scope_trust_kill (self->trust, envelope, now_seconds ());
  g_autoptr (GError) error = NULL;

  if (!kill)
    return;
  store (self); /* before it acts: a replay must find the counter */
  error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_KILLED, "network %s was killed by its root key (kill %" G_GUINT64_FORMAT "%s%s): "
                       "it stays down until it is started anew",
                       self->settings->network, kill->counter, kill->reason ? ": " : "", kill->reason ? kill->reason : "");
  scope_source_emit_fatal (SCOPE_SOURCE (self), error);
}

static void
report_forks (ScopeMember *self)
{
  char *fork[2];

  while (scope_trust_take_fork (self->trust, fork))
    scope_observer_report_fork (self->observer, fork);
}

static void
know_servers (ScopeMember *self, const ScopeV1Message *welcome)
{
  const char *gateway = scope_v1_session_get_gateway (self->session);

  scope_links_set_time (self->links, scope_v1_session_offset (self->session));
  for (char **stun = welcome->stun; stun && *stun; stun++)
    {
      g_autofree char *server = scope_v1_stun_endpoint (*stun, gateway);

      if (server)
        scope_links_add_server (self->links, server);
    }
  for (char **server = self->settings->stun_servers; server && *server; server++)
    scope_links_add_server (self->links, *server);
}

static void
on_welcome (ScopeMember *self, const ScopeV1Message *message)
{
  self->welcomed = TRUE;
  self->heartbeat = message->heartbeat;
  store (self); /* the grant, which a token buys only once */
  scope_keys_set_time (self->keys, scope_v1_session_offset (self->session));
  scope_keys_open (self->keys, message->epoch_seconds);
  if (self->links)
    know_servers (self, message);
  scope_observer_reset (self->observer);
  if (!scope_trust_own_grant (self->trust))
    scope_v1_session_reject (self->session, g_error_new (SCOPE_ERROR, SCOPE_ERROR_DENIED,
                                                         "it lets us in, but with no grant that the root key stands behind"));
  else
    send_record (self);
}

/* Every frame of it costs: one that never ends is no roster. */
static gboolean
is_endless (ScopeMember *self, const ScopeV1Message *message)
{
  guint n = message->peers->len + message->gone->len;

  self->told = message->more ? self->told + MAX (n, 1) : 0;
  if (self->told <= SCOPE_V1_MAX_ROSTER)
    return FALSE;
  scope_v1_session_reject (self->session, g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL,
                                                       "its roster has no end: more than %d entries", SCOPE_V1_MAX_ROSTER));
  return TRUE;
}

static void
on_message (ScopeV1Message *message, gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);
  gboolean changed;

  if (message->type == SCOPE_V1_ROSTER && is_endless (self, message))
    return;
  changed = scope_trust_take (self->trust, message, now_seconds ());
  changed |= scope_reach_note_own (&self->observed, message, &self->own);
  switch (message->type)
    {
    case SCOPE_V1_WELCOME:
      on_welcome (self, message);
      if (message->kill && !self->stopped)
        obey_kill (self, message->kill);
      break;
    case SCOPE_V1_ROSTER:
      if (message->more || self->whole)
        break;
      self->whole = TRUE;
      g_clear_handle_id (&self->gather_id, g_source_remove);
      publish (self, TRUE);
      changed = FALSE;
      break;
    case SCOPE_V1_GRANT:
      store (self);
      follow_role (self);
      send_record (self);
      break;
    case SCOPE_V1_KILL:
      obey_kill (self, message->kill);
      break;
    case SCOPE_V1_CARRY:
      if (self->links)
        scope_links_take_ticket (self->links, scope_v1_session_get_registry (self->session), message->token);
      changed = FALSE;
      break;
    case SCOPE_V1_PATH:
    case SCOPE_V1_PATHS:
      if (self->links)
        scope_links_take (self->links, message);
      changed = FALSE;
      break;
    case SCOPE_V1_JOIN:
      if (self->links)
        scope_links_take (self->links, message);
      scope_keys_take (self->keys, self->trust, message);
      changed = TRUE; /* it is online: there are keys to be made, also when the record is as before */
      break;
    case SCOPE_V1_KEX_KEY:
    case SCOPE_V1_KEX:
      scope_keys_take (self->keys, self->trust, message);
      changed = FALSE;
      break;
    default:
      break;
    }
  if (self->stopped)
    return;
  if (changed && self->whole)
    publish_soon (self);
  report_forks (self);
  plan_tick (self);
  store_soon (self);
}

static void
on_lost (gpointer data)
{
  ScopeMember *self = data;

  self->whole = FALSE;
  scope_keys_close (self->keys);
  if (self->links)
    scope_links_close (self->links);
}

static void
on_session_failed (const GError *error, gpointer data)
{
  ScopeMember *self = data;

  if (!self->pinned && !scope_err_unreachable (error))
    {
      g_message ("falling back to 0.0.x: %s", error->message);
      scope_v1_session_stop (self->session);
      scope_source_emit_absent (SCOPE_SOURCE (self));
    }
  else
    scope_source_emit_failed (SCOPE_SOURCE (self), error);
}

static void
on_absent (gpointer data)
{
  scope_source_emit_absent (data);
}

static const ScopeV1SessionCalls pinned_calls = { hello, on_message, on_lost, on_session_failed, NULL };
static const ScopeV1SessionCalls open_calls = { hello, on_message, on_lost, on_session_failed, on_absent };

/* --- the keys ------------------------------------------------------------------------------ */

static gboolean
on_keys_send (const char *text, gpointer data)
{
  ScopeMember *self = data;

  return scope_v1_session_send (self->session, text);
}

static void
on_keys_changed (gpointer data)
{
  scope_source_emit_peers (data);
}

static const ScopeKeysCalls keys_calls = { on_keys_send, on_keys_changed };

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
on_links_send (const char *text, gpointer data)
{
  return on_keys_send (text, data);
}

static gboolean
on_peers_due (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  self->peers_id = 0;
  scope_source_emit_peers (SCOPE_SOURCE (self));
  return G_SOURCE_REMOVE;
}

/* Several links change together, and in the middle of things. */
static void
on_links_changed (gpointer data)
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
    send_record (self);
}

static const ScopeLinksCalls links_calls = { on_links_send, on_links_changed, on_links_attached };

/* --- life ---------------------------------------------------------------------------------- */

static gboolean
on_observed (const char *text, gpointer data)
{
  return on_keys_send (text, data);
}

/* The interface has a peer more, or its owner has written other preshared keys. */
static gboolean
on_check (gpointer data)
{
  g_autoptr (ScopeMember) self = g_object_ref (data);

  if (self->trust && scope_trust_own_grant (self->trust))
    publish (self, FALSE);
  return G_SOURCE_CONTINUE;
}

static void
on_mapped (const char *endpoint, gpointer data)
{
  ScopeMember *self = data;

  g_free (self->mapped);
  self->mapped = g_strdup (endpoint);
  if (!self->welcomed)
    return;
  send_record (self);
  if (self->links)
    scope_links_set_own (self->links, self->endpoints, self->observed);
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
  follow_role (self);
  if (self->settings->port_mapping && !keys_only (self))
    self->portmap = scope_portmap_new (self->port, scope_tunnel_get_config (tunnel)->ifname, on_mapped, self);
  if (self->welcomed)
    send_record (self);
  if (keys_only (self))
    self->check_id = g_timeout_add_seconds (CHECK_SECONDS, on_check, self);
}

static void
scope_member_start (ScopeSource *source)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  scope_v1_session_start (self->session);
  if (self->trust && scope_trust_own_grant (self->trust))
    {
      g_message ("network %s: %u verified peers from the cache", self->settings->network, scope_trust_n_peers (self->trust));
      plan_tick (self);
      publish (self, FALSE);
    }
}

static void
scope_member_stop (ScopeSource *source)
{
  ScopeMember *self = SCOPE_MEMBER (source);

  if (!self->stopped)
    store (self);
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
      look_at_endpoints (self, NULL);
    }
  else if (self->welcomed)
    send_record (self);
  if (self->portmap)
    scope_portmap_kick (self->portmap);
  if (self->links)
    {
      scope_links_set_own (self->links, self->endpoints, self->observed ? self->observed : nowhere);
      scope_links_kick (self->links, moved);
    }
  if (self->trust)
    plan_tick (self); /* timers do not count the time that the machine slept */
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

void
scope_member_rotate (ScopeMember *self, gboolean hurry)
{
  scope_keys_rotate (self->keys, hurry);
}

char *
scope_member_describe (ScopeMember *self)
{
  return scope_describe (self->settings->network, self->whole, self->trust, self->keys, self->links, self->tunnel);
}

gboolean
scope_member_is_pinned (const ScopeSourceConfig *config)
{
  g_autofree char *root = scope_memory_get_root (config);

  return root != NULL;
}

ScopeSource *
scope_member_new (const ScopeSourceConfig *config, GError **error)
{
  g_autoptr (ScopeMember) self = g_object_new (SCOPE_TYPE_MEMBER, NULL);
  g_autofree char *root = scope_memory_get_root (config);

  self->settings = config->settings;
  self->state = g_strdup (config->state);
  self->own = config->own;
  self->identity = scope_identity_ref (config->identity);
  self->pinned = root != NULL;
  self->port = scope_choose_port (config->settings, config->uuid);
  self->session = scope_v1_session_new (config->settings, self->pinned ? &pinned_calls : &open_calls, self, error);
  if (!self->session)
    return NULL;
  self->self = scope_self_new (config->settings, &config->own, self->identity);
  self->keys = scope_keys_new (config, &keys_calls, self);
  self->observer = scope_observer_new (on_observed, self);
  if (!keys_only (self))
    self->links = scope_links_new (config->settings, &config->own, &links_calls, self);
  if (root)
    make_trust (self, root);
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
}
