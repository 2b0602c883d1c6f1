/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-site.h"

struct _ScopeSite {
  ScopeStunAgent *agent;
  ScopeSiteChanged changed;
  gpointer data;
  GArray *asks;     /* guint, those that wait */
  GArray *samples;  /* ScopeNatSample; a server that has not answered yet has none */
  GArray *servers;  /* ScopeSockaddr */
  GPtrArray *reflexive;
};

ScopeSite *
scope_site_new (ScopeStunAgent *agent, ScopeSiteChanged changed, gpointer data)
{
  ScopeSite *self = g_new0 (ScopeSite, 1);

  self->agent = agent;
  self->changed = changed;
  self->data = data;
  self->asks = g_array_new (FALSE, FALSE, sizeof (guint));
  self->samples = g_array_new (FALSE, FALSE, sizeof (ScopeNatSample));
  self->servers = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));
  self->reflexive = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->reflexive, NULL);
  return self;
}

void
scope_site_reset (ScopeSite *self)
{
  for (guint i = 0; i < self->asks->len; i++)
    scope_stun_agent_cancel (self->agent, g_array_index (self->asks, guint, i));
  g_array_set_size (self->asks, 0);
  g_array_set_size (self->samples, 0);
  g_array_set_size (self->servers, 0);
  g_ptr_array_set_size (self->reflexive, 0);
  g_ptr_array_add (self->reflexive, NULL);
}

void
scope_site_free (ScopeSite *self)
{
  scope_site_reset (self);
  g_array_unref (self->asks);
  g_array_unref (self->samples);
  g_array_unref (self->servers);
  g_ptr_array_unref (self->reflexive);
  g_free (self);
}

static gboolean
note_reflexive (ScopeSite *self, const ScopeSockaddr *mapped)
{
  g_autofree char *text = scope_sockaddr_format (mapped);

  if (!text || g_strv_contains (scope_site_reflexive (self), text))
    return FALSE;
  g_ptr_array_insert (self->reflexive, self->reflexive->len - 1, g_steal_pointer (&text));
  return TRUE;
}

static void
on_answer (const ScopeSockaddr *server, const ScopeSockaddr *mapped, const ScopeSockaddr *local, guint rtt, gpointer data)
{
  ScopeSite *self = data;
  ScopeNatSample sample = { .server = *server, .local = *local };
  gboolean fresh = mapped && note_reflexive (self, mapped);

  if (mapped)
    sample.mapped = *mapped;
  g_array_append_val (self->samples, sample);
  if (self->samples->len == self->servers->len)
    g_array_set_size (self->asks, 0);
  if (fresh || scope_site_settled (self))
    self->changed (scope_site_settled (self), self->data);
}

void
scope_site_ask (ScopeSite *self, const ScopeSockaddr *server)
{
  guint ask;

  if (server->any.sa_family == AF_UNSPEC || self->servers->len >= SCOPE_SITE_SERVERS)
    return;
  for (guint i = 0; i < self->servers->len; i++)
    if (scope_sockaddr_equal (&g_array_index (self->servers, ScopeSockaddr, i), server))
      return;
  g_array_append_val (self->servers, *server);
  ask = scope_stun_agent_ask (self->agent, server, on_answer, self);
  g_array_append_val (self->asks, ask);
}

gboolean
scope_site_settled (const ScopeSite *self)
{
  return self->samples->len == self->servers->len;
}

const ScopeSockaddr *
scope_site_server (const ScopeSite *self)
{
  for (guint i = 0; i < self->samples->len; i++)
    {
      const ScopeNatSample *sample = &g_array_index (self->samples, ScopeNatSample, i);

      if (sample->mapped.any.sa_family != AF_UNSPEC)
        return &sample->server;
    }
  return NULL;
}

ScopeNatKind
scope_site_nat (const ScopeSite *self)
{
  const ScopeNatSample *samples = (const ScopeNatSample *) self->samples->data;
  ScopeNat ip4 = scope_nat_classify (AF_INET, samples, self->samples->len);
  ScopeNat ip6;

  if (ip4.kind != SCOPE_NAT_UNKNOWN || ip4.servers)
    return ip4.kind;
  ip6 = scope_nat_classify (AF_INET6, samples, self->samples->len);
  return ip6.kind;
}

const char *const *
scope_site_reflexive (const ScopeSite *self)
{
  return (const char *const *) self->reflexive->pdata;
}
