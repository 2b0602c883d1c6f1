/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How links come to be: who begins, where we are, and the checks that find a way through NATs. */
#include "peer/scope-links-private.h"

#include "net/scope-candidates.h"

#define GIVEN_MS 250     /* what a handshake with an endpoint that should work takes at most, or else we punch */
#define SITE_MS 300      /* how long a first call waits for what STUN servers say of us */
#define LOOK_MS 5000     /* where we are is asked again at most so often */
#define OTHERS_MS 1500   /* the other end begins; after that we do */
#define AGAIN_MS 30000   /* after all tries were in vain, doubling */
#define AGAIN_DOUBLINGS 5

/* Until STUN servers have said where we are, as far as a call waits for that: the first one that does is enough. */
static guint
site_delay (ScopeLinks *self)
{
  return !self->site || scope_site_settled (self->site) || scope_site_reflexive (self->site)[0] ? 0 : SITE_MS;
}

void
scope_link_punch (ScopeLink *link, gint64 now)
{
  link->due = G_MAXINT64;
  if (!link->online || link->up || link->links->paused || scope_links_nat (link->links) == SCOPE_NAT_DENY)
    return;
  /* Without a tunnel nobody could make a handshake; but what we may find until then we find. */
  if (!link->check || (!link->links->tunnel && (link->mode == LINK_GIVEN || !link->links->connected)))
    {
      link->due = now + GIVEN_MS;
      return;
    }
  scope_link_refresh (link);
  scope_punch_start (link->punch, link->first, now);
}

void
scope_links_punch_anew (ScopeLinks *self)
{
  gint64 now = scope_links_now ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      if (!link->online || link->up)
        continue;
      scope_punch_stop (link->punch);
      link->failures = 0;
      link->first = TRUE;
      link->due = now + site_delay (self);
    }
  scope_links_plan (self);
}

/* --- punching ------------------------------------------------------------------------------ */

static void
on_say (const ScopePunchMessage *message, gpointer data)
{
  ScopeLink *link = data;
  g_autoptr (JsonObject) body = scope_punch_message_format (message);

  /* Over the link they would not hear it: who calls has lost it, though we may not know yet. */
  scope_links_say (link->links, &link->key, scope_punch_message_name (message), body, SAY_AROUND);
}

static void
on_check (const ScopePunchMessage *theirs, const ScopeSockaddr *candidates, guint n, int ttl, gpointer data)
{
  ScopeLink *link = data;

  if (g_strcmp0 (theirs->id, link->their_id) != 0)
    {
      scope_stun_check_set_remote (link->check, theirs->id, theirs->pwd);
      g_free (link->their_id);
      link->their_id = g_strdup (theirs->id);
    }
  for (guint i = 0; i < n; i++)
    if (!scope_sockaddr_is_usable (&candidates[i]))
      continue;
    else if (ttl)
      scope_stun_check_open (link->check, &candidates[i], ttl);
    else
      scope_stun_check_try (link->check, &candidates[i]);
}

/* WireGuard makes no second handshake within 5 s of one that got no answer: a peer that has one is added anew. */
void
scope_link_use (ScopeLink *link, const ScopeSockaddr *endpoint)
{
  ScopeLinks *self = link->links;
  g_autoptr (GError) error = NULL;

  link->mode = LINK_FOUND;
  link->endpoint = *endpoint;
  link->wanted = FALSE;
  if (self->tunnel && !scope_tunnel_renew (self->tunnel, &link->key, endpoint, &error))
    g_warning ("%s", error->message);
  self->calls->changed (self->data);
}

static void
on_found (const ScopeSockaddr *endpoint, gpointer data)
{
  ScopeLink *link = data;
  g_autofree char *where = scope_sockaddr_format (endpoint);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_debug ("%.8s answers at %s", scope_key_to_base64 (&link->key, text), where);
  if (link->carried)
    {
      link->carried = FALSE;
      link->links->n_carried--;
      scope_carrier_close (link->links->carrier, &link->key);
    }
  scope_link_use (link, endpoint);
}

static void
on_failed (gpointer data)
{
  ScopeLink *link = data;
  ScopeLinks *self = link->links;
  gint64 due = scope_links_now () + (AGAIN_MS << MIN (link->failures, AGAIN_DOUBLINGS));

  /* With all others that are tried again: one wake-up, where each had its own. */
  link->due = link->failures ? due + AGAIN_MS - due % AGAIN_MS : due;
  link->first = scope_link_is_lower (link);
  if (link->failures++ == 0) /* then its keepalive ends */
    self->calls->changed (self->data);
  if (!self->missed)
    {
      self->missed = TRUE;
      self->calls->news (self->data);
    }
}

const ScopePunchCalls scope_link_punch_calls = { on_say, on_check, on_found, on_failed };

static void
on_answered (ScopeStunCheck *check, const ScopeSockaddr *endpoint, const ScopeSockaddr *mapped, guint rtt, gpointer data)
{
  ScopeLink *link = data;

  scope_punch_answered (link->punch, endpoint, scope_links_now ());
  scope_links_run (link->links);
}

static void
on_heard (ScopeStunCheck *check, const ScopeSockaddr *endpoint, gpointer data)
{
  ScopeLink *link = data;

  scope_punch_heard (link->punch, endpoint, scope_links_now ());
  scope_links_run (link->links);
}

static const ScopeStunCheckFuncs check_funcs = { on_answered, on_heard };

void
scope_link_refresh (ScopeLink *link)
{
  ScopeLinks *self = link->links;

  link->self.candidates = self->candidates;
  link->self.nat = self->site ? scope_site_nat (self->site) : SCOPE_NAT_UNKNOWN;
}

void
scope_link_arm (ScopeLink *link)
{
  if (link->check || !link->links->agent)
    return;
  link->check = scope_stun_check_new (link->links->agent, NULL, NULL, &check_funcs, link);
  g_strlcpy (link->self.id, scope_stun_check_id (link->check), sizeof link->self.id);
  g_strlcpy (link->self.pwd, scope_stun_check_password (link->check), sizeof link->self.pwd);
}

/* --- beginning ----------------------------------------------------------------------------- */

/* It is there now: whoever came later begins. */
void
scope_link_begin (ScopeLink *link, gboolean newcomer)
{
  ScopeLinks *self = link->links;
  gint64 now = scope_links_now ();

  if (link->up) /* perhaps only its session is another one */
    {
      if (self->liveness)
        scope_liveness_want (self->liveness, &link->key);
      return;
    }
  link->failures = 0;
  link->wanted = FALSE;
  link->mode = newcomer && link->plausible ? LINK_GIVEN : LINK_QUIET;
  link->first = newcomer || scope_link_is_lower (link);
  if (!newcomer)
    link->due = now + OTHERS_MS;
  else if (link->plausible)
    link->due = now + GIVEN_MS;
  else
    link->due = now + site_delay (self);
}

void
scope_links_on_site (gboolean settled, gpointer data)
{
  ScopeLinks *self = data;
  gint64 now = scope_links_now ();
  GHashTableIter iter;
  gpointer value;

  if (scope_site_server (self->site))
    self->mapping.fresh = now;
  scope_links_set_own (self, NULL, NULL);
  if (scope_links_may_stop_carry (self))
    scope_links_stop_carry (self);
  if (settled)
    g_debug ("NAT: %s", scope_nat_to_string (scope_site_nat (self->site)));
  self->calls->news (self->data);
  /* The first answer is enough to call: who waits for the last one may wait for a server that is not there. */
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      if (link->mode != LINK_GIVEN && link->first && link->due <= now + SITE_MS)
        link->due = now;
    }
  scope_links_plan (self);
}

void
scope_links_ask_servers (ScopeLinks *self)
{
  if (self->paused)
    return;
  if (self->site && scope_site_settled (self->site) && self->n_carried)
    scope_site_reset (self->site);
  for (guint i = 0; self->site && i < self->servers->len; i++)
    {
      ScopeSockaddr sa;

      if (scope_sockaddr_parse (&sa, g_ptr_array_index (self->servers, i)))
        scope_site_ask (self->site, &sa);
    }
}

/* Between edges; relays are where they are. One question for all that fall silent together. */
guint
scope_links_look_again (ScopeLinks *self, const ScopeLink *link)
{
  gint64 now = scope_links_now ();

  if (!self->site || scope_role_is_relay (self->role) || scope_role_is_relay (link->role))
    return 0;
  if (scope_site_settled (self->site) && now - self->looked >= LOOK_MS)
    {
      self->looked = now;
      scope_site_reset (self->site);
      scope_links_ask_servers (self);
    }
  return site_delay (self);
}

/* --- waiting behind a NAT ------------------------------------------------------------------ */

void
scope_links_review_mapping (ScopeLinks *self)
{
  ScopeMappingNeed need = { .nat = SCOPE_NAT_UNKNOWN };
  GHashTableIter iter;
  gpointer value;

  if (!self->site)
    return;
  need.nat = scope_site_nat (self->site);
  need.mapped = need.nat != SCOPE_NAT_NONE && scope_site_reflexive (self->site)[0];
  need.keepalive = self->keepalive;
  need.reachable = self->tunnel && self->connected && !self->paused && !scope_role_is_relay (self->role) &&
                   scope_site_server (self->site);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    need.held |= ((ScopeLink *) value)->up && !((ScopeLink *) value)->carried;
  scope_mapping_review (&self->mapping, &need, scope_links_now ());
}

static void
on_still_there (const ScopeSockaddr *server, const ScopeSockaddr *mapped, const ScopeSockaddr *local, guint rtt, gpointer data)
{
  ScopeLinks *self = data;
  g_autofree char *text = mapped ? scope_sockaddr_format (mapped) : NULL;

  scope_mapping_answered (&self->mapping, mapped != NULL, scope_links_now ());
  if (text && !g_strv_contains (scope_site_reflexive (self->site), text))
    {
      scope_site_reset (self->site);
      scope_links_ask_servers (self);
    }
  scope_links_plan (self);
}

void
scope_links_hold_mapping (ScopeLinks *self)
{
  const ScopeSockaddr *server = self->site ? scope_site_server (self->site) : NULL;

  if (scope_links_now () < self->mapping.due || !server)
    return;
  scope_mapping_asked (&self->mapping);
  scope_stun_agent_ask (self->agent, server, on_still_there, self);
}

void
scope_links_set_time (ScopeLinks *self, gint64 offset)
{
  self->offset = offset;
}

void
scope_links_take_ticket (ScopeLinks *self, const char *registry, const char *ticket)
{
  if (self->carrier)
    scope_carrier_ticket (self->carrier, registry, ticket);
}

void
scope_links_add_server (ScopeLinks *self, const char *server)
{
  if (self->servers->len >= SCOPE_SITE_SERVERS || g_ptr_array_find_with_equal_func (self->servers, server, g_str_equal, NULL))
    return;
  g_ptr_array_add (self->servers, g_strdup (server));
  scope_links_ask_servers (self);
}

void
scope_links_set_own (ScopeLinks *self, char **endpoints, char **observed)
{
  ScopeCandidates own = { 0 };
  GHashTableIter iter;
  gpointer link;

  if (endpoints)
    {
      g_strfreev (self->endpoints);
      self->endpoints = g_strdupv (endpoints);
    }
  if (observed)
    {
      g_strfreev (self->observed);
      self->observed = g_strdupv (observed);
    }
  own.local = (const char *const *) self->endpoints; /* the profile's among them */
  own.observed = (const char *const *) self->observed;
  own.reflexive = self->site ? scope_site_reflexive (self->site) : NULL;
  g_strfreev (self->candidates);
  self->candidates = scope_candidates_say (&own);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &link))
    scope_link_refresh (link);
}
