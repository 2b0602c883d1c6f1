/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we say of ourselves, and what becomes of what the registry says. */
#include "peer/scope-member-private.h"

#include "common/scope-error.h"
#include "peer/scope-reach.h"

/* --- what we say of ourselves -------------------------------------------------------------- */

void
member_look_at_endpoints (ScopeMember *self, const char *local)
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
  member_look_at_endpoints (self, local);
  if (!scope_trust_own_grant (self->trust))
    return NULL;
  if (self->links)
    sequence = scope_links_attachment (self->links, &attachment);
  record = scope_self_record (self->self, self->trust, self->endpoints, &attachment, sequence, member_now (), changed, &error);
  if (!record)
    g_warning ("our record: %s", error->message);
  else if (*changed && !member_store (self)) /* a sequence that is forgotten would be used twice: a fork */
    return NULL;
  if (*changed && self->links)
    scope_links_signed (self->links, scope_self_sequence (self->self));
  return record;
}

void
member_send_record (ScopeMember *self)
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
  gint64 now = member_now ();
  const char *generation = NULL;
  gboolean changed;

  self->welcomed = self->whole = FALSE;
  self->told = 0;
  if (!self->trust)
    {
      member_meet_root (self, challenge, error);
      return NULL;
    }
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
  g_autoptr (ScopeKill) kill = scope_trust_kill (self->trust, envelope, member_now ());
  g_autoptr (GError) error = NULL;

  if (!kill)
    return;
  member_store (self); /* before it acts: a replay must find the counter */
  error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_KILLED, "network %s was killed by its root key (kill %" G_GUINT64_FORMAT "%s%s): "
                       "it stays down until it is started anew",
                       self->settings->network, kill->counter, kill->reason ? ": " : "", kill->reason ? kill->reason : "");
  scope_source_emit_fatal (SCOPE_SOURCE (self), error);
}

/* Nobody talks to us any more. It is the root's signed word: a registry's alone would not do. */
static void
obey_revocation (ScopeMember *self)
{
  const ScopeAuthority *authority = scope_trust_authority (self->trust);
  const char *own = scope_identity_public_fingerprint (scope_identity_public (self->identity));
  g_autoptr (GError) error = NULL;

  if (self->stopped || !authority || !scope_authority_is_revoked (authority, own))
    return;
  member_store (self);
  error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_DENIED, "network %s: its root key has revoked this machine (%.8s): to come back it "
                       "needs a new connection, with a new invite", self->settings->network, own);
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
  member_store (self); /* the grant, which a token buys only once */
  scope_keys_set_time (self->keys, scope_v1_session_offset (self->session));
  scope_keys_open (self->keys, message->epoch_seconds);
  if (self->links)
    know_servers (self, message);
  scope_observer_reset (self->observer);
  if (!scope_trust_own_grant (self->trust))
    scope_v1_session_reject (self->session, g_error_new (SCOPE_ERROR, SCOPE_ERROR_DENIED,
                                                         "it lets us in, but with no grant that the root key stands behind"));
  else
    member_send_record (self);
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
  changed = scope_trust_take (self->trust, message, member_now ());
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
      member_publish (self, TRUE);
      changed = FALSE;
      break;
    case SCOPE_V1_GRANT:
      member_store (self);
      member_follow_role (self);
      member_send_record (self);
      break;
    case SCOPE_V1_KILL:
      obey_kill (self, message->kill);
      break;
    case SCOPE_V1_REVOCATION:
      obey_revocation (self);
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
    member_publish_soon (self);
  report_forks (self);
  member_plan_tick (self);
  member_store_soon (self);
}

static void
on_lost (gpointer data)
{
  ScopeMember *self = data;

  self->whole = FALSE;
  scope_keys_close (self->keys);
  if (self->links)
    scope_links_close (self->links);
  scope_source_emit_news (SCOPE_SOURCE (self));
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

const ScopeV1SessionCalls member_pinned_calls = { hello, on_message, on_lost, on_session_failed, NULL };
const ScopeV1SessionCalls member_open_calls = { hello, on_message, on_lost, on_session_failed, on_absent };
