/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where no UDP passes, links to relays are carried by the registry (scope-carrier). Begun when a handshake that
 * should work and no STUN server answer for a moment; ended as soon as a STUN server does.
 */
#include "peer/scope-links-private.h"

#define SILENCE_MS 400     /* of everybody: no UDP here */
#define MAX_CARRIED 3
#define ASK_FIRST_SECONDS 30 /* whether UDP works by now, doubling */
#define ASK_LAST_SECONDS 300
#define HOLD_MS 600000     /* UDP to STUN servers works, to relays not */

static gboolean
udp_works (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  if (scope_links_now () >= self->carry_hold && self->site && scope_site_reflexive (self->site)[0])
    return TRUE;
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((ScopeLink *) value)->up && !((ScopeLink *) value)->carried)
      return TRUE;
  return FALSE;
}

static void
carry (ScopeLink *link)
{
  ScopeLinks *self = link->links;
  g_autoptr (GError) error = NULL;
  ScopeSockaddr endpoint;
  char text[SCOPE_KEY_BASE64_LEN + 1];

  if (!scope_carrier_open (self->carrier, &link->key, &endpoint, &error))
    {
      g_warning ("%s", error->message);
      return;
    }
  g_message ("no UDP gets through: the registry carries what goes to relay %.8s", scope_key_to_base64 (&link->key, text));
  link->carried = TRUE;
  self->n_carried++;
  scope_link_use (link, &endpoint);
}

static gboolean
on_ask (gpointer data)
{
  ScopeLinks *self = data;

  self->ask_seconds = MIN (self->ask_seconds * 2, ASK_LAST_SECONDS);
  self->ask_id = g_timeout_add_seconds (self->ask_seconds, on_ask, self);
  scope_links_ask_servers (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_silence (gpointer data)
{
  ScopeLinks *self = data;
  GHashTableIter iter;
  gpointer value;

  self->silence_id = 0;
  if (self->paused)
    return G_SOURCE_REMOVE;
  if (self->settings->carry != SCOPE_USE_ALWAYS && udp_works (self))
    return G_SOURCE_REMOVE;
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      if (scope_role_is_relay (link->role) && !link->up && !link->carried && link->wanted && self->n_carried < MAX_CARRIED)
        carry (link);
    }
  if (self->n_carried && !self->ask_id)
    {
      self->ask_seconds = ASK_FIRST_SECONDS;
      self->ask_id = g_timeout_add_seconds (self->ask_seconds, on_ask, self);
    }
  return G_SOURCE_REMOVE;
}

void
scope_links_expect_carry (ScopeLinks *self, const ScopeLink *link)
{
  if (self->carrier && scope_role_is_relay (link->role) && !link->carried && !self->silence_id)
    self->silence_id = g_timeout_add (SILENCE_MS, on_silence, self);
}

void
scope_links_stop_carry (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_clear_handle_id (&self->ask_id, g_source_remove);
  g_clear_handle_id (&self->silence_id, g_source_remove);
  if (!self->n_carried)
    return;
  g_message ("UDP gets through again");
  self->carry_hold = scope_links_now () + HOLD_MS;
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopeLink *link = value;

      if (!link->carried)
        continue;
      link->carried = link->wanted = FALSE;
      link->mode = LINK_GIVEN;
      scope_carrier_close (self->carrier, &link->key);
    }
  self->n_carried = 0;
  self->calls->changed (self->data);
}

gboolean
scope_links_may_stop_carry (ScopeLinks *self)
{
  return self->n_carried && self->settings->carry != SCOPE_USE_ALWAYS && scope_links_now () >= self->carry_hold &&
         scope_site_reflexive (self->site)[0];
}

static gboolean
on_carrier_ask (gpointer data)
{
  ScopeLinks *self = data;

  return self->calls->send ("{\"t\":\"carry\",\"d\":{}}", self->data);
}

static void
on_carrier_refused (const ScopeKey *relay, const char *code, gpointer data)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_info ("the registry does not carry to %.8s: %s", scope_key_to_base64 (relay, text), code);
}

static const ScopeCarrierCalls carrier_calls = { on_carrier_ask, NULL, on_carrier_refused };

void
scope_links_make_carrier (ScopeLinks *self, guint16 port)
{
  if (self->settings->carry == SCOPE_USE_OFF)
    return;
  self->carrier = scope_carrier_new (self->settings->ca, self->settings->netreg, &carrier_calls, self);
  scope_carrier_set_port (self->carrier, port);
}
