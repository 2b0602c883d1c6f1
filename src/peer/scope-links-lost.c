/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fell silent, or has become slow: whom to tell, and what to look at. */
#include "peer/scope-links-private.h"

#define LOST_MS 10000 /* what fell silent so long ago is news to a relay */
#define SLOW_MS 400   /* how long another relay has to answer, when ours takes much longer than it did */

/* Those relays that fell silent a moment ago, to a relay that may know who else is attached to them. */
static void
tell_lost (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;

      if (scope_role_is_relay (link->role) && !link->up && link->lost && scope_links_now () - link->lost < LOST_MS)
        scope_links_tell_lost (self, &self->attachment, &link->key);
    }
}

/* The relay that is left when all others are lost, too: NULL when there is none but our attachment. */
static const ScopeLink *
last_resort (ScopeLinks *self)
{
  const ScopeLink *last = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;
      gboolean master = link->role == SCOPE_ROLE_MASTER, was = last && last->role == SCOPE_ROLE_MASTER;

      if (!scope_role_is_relay (link->role) || !link->up || scope_key_equal (&link->key, &self->attachment))
        continue;
      if (!last || master > was ||
          (master == was && scope_liveness_rtt (self->liveness, &link->key) > scope_liveness_rtt (self->liveness, &last->key)))
        last = link;
    }
  return last;
}

/*
 * The next one must not turn out to be silent, too, a second later. But there must be one after that: where all are silent at
 * once, it is rather this machine that is busy, or its own link, and 200 ms are too short to give up everything.
 */
static void
suspect_relays (ScopeLinks *self)
{
  const ScopeLink *last = last_resort (self);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (last && g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;

      if (scope_role_is_relay (link->role) && link->up && link != last)
        scope_liveness_suspect (self->liveness, &link->key);
    }
}

/* Who of the others is there? That one does not answer is no hurry. */
static void
ask_relays (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;

      if (scope_role_is_relay (link->role) && link->up && !scope_key_equal (&link->key, &self->attachment))
        scope_liveness_want (self->liveness, &link->key);
    }
}

static void
lose (ScopeLinks *self, ScopeLink *link)
{
  ScopeKey was = self->attachment;
  gboolean ours = scope_key_equal (&was, &link->key);

  link->up = FALSE;
  link->lost = scope_links_now ();
  link->first = scope_link_is_lower (link);
  link->due = scope_links_now () + scope_links_look_again (self, link);
  /* Whose session has ended, too, has left: NetworkManager takes a TUN's addresses away before we could say bye. */
  if (self->connected && !link->online)
    scope_path_left (self->path, scope_links_now (), &link->key);
  else
    scope_path_link_down (self->path, scope_links_now (), &link->key);
  scope_links_report (self, link, TRUE);
  if (link->mode == LINK_GIVEN)
    scope_links_expect_carry (self, link);
  scope_links_run (self);
  if (scope_role_is_relay (link->role))
    scope_links_spread_lost (self, &link->key);
  if (ours && !scope_key_is_zero (&self->attachment))
    {
      tell_lost (self);
      suspect_relays (self);
    }
  self->calls->changed (self->data);
}

void
scope_links_on_down (const ScopeKey *peer, gpointer data)
{
  ScopeLinks *self = data;
  ScopeLink *link = scope_links_find (self, peer);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  if (!link)
    return;
  if (!link->up)
    {
      /* Two relays that never met need a third. */
      if (self->path && scope_role_is_relay (self->role) && scope_role_is_relay (link->role))
        {
          scope_path_link_down (self->path, scope_links_now (), peer);
          scope_links_run (self);
        }
      return;
    }
  g_message ("link to %.8s is silent", scope_key_to_base64 (peer, text));
  lose (self, link);
}

/* It has moved, and the link is no more: whether its new one works the next probe says, not what is on its way to the old. */
void
scope_link_forget (ScopeLink *link)
{
  ScopeLinks *self = link->links;

  scope_liveness_gone (self->liveness, &link->key);
  scope_path_moved (self->path, scope_links_now (), &link->key);
  lose (self, link);
  link->wanted = FALSE;
  link->due = G_MAXINT64; /* the call that told us is what makes the new one */
}

/* Our relay takes much longer than it did. If another one answers before it does, that one is better. */
void
scope_links_on_slow (const ScopeKey *peer, gpointer data)
{
  ScopeLinks *self = data;

  if (!scope_key_equal (peer, &self->attachment))
    return;
  self->slow = scope_links_now ();
  ask_relays (self);
}

void
scope_links_leave_slow (ScopeLinks *self, const ScopeLink *other, guint ms)
{
  ScopeLink *link = scope_links_find (self, &self->attachment);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  if (!self->slow || !link || link == other || !scope_role_is_relay (other->role))
    return;
  if (scope_links_now () - self->slow < SLOW_MS && ms < SLOW_MS / 2)
    {
      g_message ("relay %.8s has become slow", scope_key_to_base64 (&link->key, text));
      scope_liveness_gone (self->liveness, &link->key);
      lose (self, link);
      scope_liveness_want (self->liveness, &link->key);
    }
  self->slow = 0;
}

/* In order: nobody need wait until it is missed. */
void
scope_links_say_bye (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;
      g_autoptr (JsonObject) body = json_object_new ();

      if (link->up)
        scope_links_say (self, &link->key, SCOPE_LINKS_BYE, body, SAY_LINK);
    }
}

void
scope_links_on_bye (ScopeLinks *self, ScopeLink *link)
{
  link->up = link->wanted = FALSE;
  link->mode = LINK_QUIET;
  scope_liveness_gone (self->liveness, &link->key);
  scope_path_left (self->path, scope_links_now (), &link->key);
  scope_links_report (self, link, TRUE);
  self->calls->changed (self->data);
}
