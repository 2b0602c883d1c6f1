/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What links say to each other: inside the tunnel, by the registry, or passed on by relays. */
#include "peer/scope-links-private.h"

#include "common/scope-fields.h"

#include <string.h>

#define MAX_HOPS 3
#define OVERTAKEN_MS 1000

static gboolean
send_on_link (ScopeLinks *self, const ScopeKey *over, const char *name, JsonObject *body)
{
  g_autofree char *data = NULL, *text = NULL;
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (GError) error = NULL;

  if (!self->liveness)
    return FALSE;
  json_node_init_object (node, body);
  data = json_to_string (node, FALSE);
  text = g_strdup_printf ("{\"t\":\"%s\",\"d\":%s}", name, data);
  if (scope_liveness_send (self->liveness, over, text, strlen (text), &error))
    return TRUE;
  g_debug ("%s: %s", name, error->message);
  return FALSE;
}

static void
put_key (JsonObject *body, const char *member, const ScopeKey *key)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  json_object_set_string_member (body, member, scope_key_to_base64 (key, text));
}

static gboolean
by_registry (ScopeLinks *self, const ScopeKey *to, const char *name, JsonObject *body)
{
  g_autofree char *text = NULL;

  if (!self->connected)
    return FALSE;
  text = scope_v1_format_kex (name, body, "to", to);
  return self->calls->send (text, self->data);
}

/* The way that packets take now. */
static gboolean
by_relay (ScopeLinks *self, const ScopeKey *to, const char *name, JsonObject *body)
{
  const ScopeKey *hop = self->path ? scope_path_next_hop (self->path, to) : NULL;
  const ScopeLink *link = hop && !scope_key_equal (hop, to) ? scope_links_find (self, hop) : NULL;

  if (!link || !link->up)
    return FALSE;
  put_key (body, "to", to);
  return send_on_link (self, hop, name, body);
}

gboolean
scope_links_say (ScopeLinks *self, const ScopeKey *to, const char *name, JsonObject *body, ScopeLinksSay how)
{
  const ScopeLink *link = scope_links_find (self, to);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_debug ("%s to %.8s%s", name, scope_key_to_base64 (to, text), how == SAY_LINK ? " on the link" : "");
  if (how == SAY_LINK)
    return send_on_link (self, to, name, body);
  if (how == SAY_ANYHOW && link && link->up && send_on_link (self, to, name, body))
    return TRUE;
  return by_registry (self, to, name, body) || by_relay (self, to, name, body);
}

gboolean
scope_links_say_relayed (ScopeLinks *self, const ScopeKey *to, const char *name, JsonObject *body)
{
  return by_relay (self, to, name, body);
}

/* Not for us: on to the next, as its packets go. Only relays do that, and say whom it is from. */
static void
pass_on (ScopeLinks *self, const ScopeKey *from, const ScopeKey *to, const char *name, JsonObject *body, guint hops)
{
  const ScopeKey *hop = self->path ? scope_path_next_hop (self->path, to) : NULL;

  if (!scope_role_is_relay (self->role) || hops >= MAX_HOPS || !hop)
    return;
  put_key (body, "from", from);
  json_object_set_int_member (body, "hops", hops + 1);
  send_on_link (self, hop, name, body);
}

void
scope_links_on_message (const ScopeKey *from, const char *type, JsonObject *body, const char *text, gsize len, gpointer data)
{
  ScopeLinks *self = data;
  const ScopeFields d = { body, type };
  const ScopeLink *link = scope_links_find (self, from);
  ScopeKey origin = *from, to;
  gint64 hops = 0;

  if (!g_str_has_prefix (type, "punch.") && !g_str_has_prefix (type, "path."))
    return;
  if (scope_fields_has (&d, "from") &&
      (!link || !scope_role_is_relay (link->role) || !scope_fields_key (&d, "from", &origin, NULL)))
    return;
  if (scope_fields_has (&d, "hops") && !scope_fields_integer (&d, "hops", 0, MAX_HOPS, &hops, NULL))
    return;
  if (scope_fields_has (&d, "to"))
    {
      if (!scope_fields_key (&d, "to", &to, NULL))
        return;
      if (!scope_key_equal (&to, &self->own))
        {
          pass_on (self, &origin, &to, type, body, hops);
          return;
        }
    }
  scope_links_dispatch (self, &origin, scope_key_equal (&origin, from), type, body);
}

/* --- path.lost: a relay is silent, and those who are attached to it may not have noticed: who only answers has
 * nothing to miss. */

void
scope_links_tell_lost (ScopeLinks *self, const ScopeKey *to, const ScopeKey *relay)
{
  g_autoptr (JsonObject) body = json_object_new ();

  put_key (body, "relay", relay);
  send_on_link (self, to, SCOPE_LINKS_LOST, body);
}

/* As a relay: to its edges that we reach, and when we have it from an edge, to the other relays that may reach more. */
static void
spread_lost (ScopeLinks *self, const ScopeKey *from, const ScopeKey *relay, gboolean relays)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;
      const ScopeKey *at = scope_role_is_relay (link->role) ? NULL : scope_path_attachment_of (self->path, &link->key);

      if (!link->up || scope_key_equal (&link->key, from) || scope_key_equal (&link->key, relay))
        continue;
      if (scope_role_is_relay (link->role) ? relays : at && scope_key_equal (at, relay))
        scope_links_tell_lost (self, &link->key, relay);
    }
}

void
scope_links_spread_lost (ScopeLinks *self, const ScopeKey *relay)
{
  if (scope_role_is_relay (self->role))
    spread_lost (self, relay, relay, FALSE);
}

static void
on_lost (ScopeLinks *self, const ScopeLink *link, JsonObject *body, GError **error)
{
  const ScopeFields d = { body, SCOPE_LINKS_LOST };
  ScopeKey relay;

  if (!scope_fields_key (&d, "relay", &relay, error))
    return;
  if (!scope_role_is_relay (self->role))
    {
      if (scope_role_is_relay (link->role) && scope_key_equal (&relay, &self->attachment) && self->liveness)
        scope_liveness_suspect (self->liveness, &relay);
      return;
    }
  if (scope_key_equal (&relay, &self->own) || !scope_links_find (self, &relay) || !link->up)
    return;
  if (self->liveness)
    scope_liveness_suspect (self->liveness, &relay);
  spread_lost (self, &link->key, &relay, !scope_role_is_relay (link->role));
}

static void
heard_of_an_end (ScopeLinks *self, ScopeLink *link, const char *name, JsonObject *body, GError **error)
{
  if (g_str_equal (name, SCOPE_LINKS_BYE))
    scope_links_on_bye (self, link);
  else
    on_lost (self, link, body, error);
}

static void
on_punch (ScopeLink *link, const char *name, JsonObject *body, GError **error)
{
  g_autoptr (ScopePunchMessage) message = scope_punch_message_parse (name, body, error);

  if (!message || !link->check)
    return;
  if (!link->links->tunnel && !message->open) /* its handshake would find nobody, and WireGuard waits 5 s to make another */
    return;
  if (link->up && !message->open)
    {
      /* Not for who calls: it has moved. Unless that was said before the link came up, and now it is there: our probe tells. */
      if (scope_links_now () - link->up_since < OVERTAKEN_MS)
        {
          scope_liveness_want (link->links->liveness, &link->key);
          return;
        }
      scope_link_forget (link);
    }
  scope_link_refresh (link);
  link->due = G_MAXINT64;
  scope_punch_take (link->punch, message, scope_links_now ());
}

void
scope_links_dispatch (ScopeLinks *self, const ScopeKey *from, gboolean direct, const char *name, JsonObject *body)
{
  ScopeLink *link = scope_links_find (self, from);
  ScopePathMessage message;
  char text[SCOPE_KEY_BASE64_LEN + 1];
  g_autoptr (GError) error = NULL;

  if (!link)
    return;
  g_debug ("%s from %.8s%s", name, scope_key_to_base64 (from, text), direct ? " on the link" : "");
  if (g_str_has_prefix (name, "punch."))
    on_punch (link, name, body, &error);
  else if (g_str_equal (name, SCOPE_LINKS_LOST) || g_str_equal (name, SCOPE_LINKS_BYE))
    {
      if (direct && self->path)
        heard_of_an_end (self, link, name, body, &error);
    }
  else if (self->path && scope_path_message_parse (&message, name, body, &error))
    scope_path_handle (self->path, scope_links_now (), from, direct, &message);
  if (error)
    g_info ("%s of %.8s: %s", name, scope_key_to_base64 (from, text), error->message);
  scope_links_run (self);
}
