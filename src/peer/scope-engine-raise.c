/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-engine-private.h"

#include "peer/scope-choose.h"
#include "peer/scope-member.h"
#include "peer/scope-outfit.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-tunnel-attached.h"

#define RETRY_MS 50
#define PATIENCE_USEC (2 * G_USEC_PER_SEC) /* our own tunnel of a moment ago may still be going: its interface, or wireguard-go with its port */

static void
on_tunnel_failed (ScopeTunnel *tunnel, GError *error, gpointer data)
{
  engine_fail (data, g_error_copy (error));
}

/* FALSE when that is all: it failed, or was stopped meanwhile. */
static gboolean
take_tunnel (ScopeEngine *self, GAsyncResult *result)
{
  GError *error = NULL;
  gboolean up = scope_tunnel_up_finish (self->tunnel, result, &error);

  if (self->stop) /* it waited for this, so that nothing half-made is left */
    {
      g_clear_error (&error);
      engine_tunnel_down (self);
      return FALSE;
    }
  self->state = STATE_WAITING;
  if (!up)
    engine_fail (self, error);
  return up;
}

static void
on_tunnel_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;

  if (take_tunnel (self, result))
    engine_run (self);
}

static gboolean
on_retry (gpointer data)
{
  ScopeEngine *self = data;

  self->retry_id = 0;
  engine_raise (self);
  return G_SOURCE_REMOVE;
}

static gboolean
what_is_wanted_may_become_free (ScopeEngine *self)
{
  const ScopeSettings *settings = self->config->settings;

  if (engine_keys_only (self) || g_get_monotonic_time () - self->started_usec > PATIENCE_USEC ||
      (!scope_link_exists (scope_choose_wanted_ifname (settings)) &&
       scope_udp_port_free (scope_choose_wanted_port (settings, self->config->vpn_uuid))))
    return FALSE;
  if (!self->retry_id)
    self->retry_id = g_timeout_add (RETRY_MS, on_retry, self);
  return TRUE;
}

void
engine_raise (ScopeEngine *self)
{
  GError *error = NULL;
  ScopeTunnelConfig *config;

  if (self->state != STATE_WAITING || !scope_source_get_roster (self->source) ||
      what_is_wanted_may_become_free (self))
    return;
  if (engine_keys_only (self)) /* the tunnel is there */
    {
      engine_run (self);
      return;
    }
  g_clear_pointer (&self->addresses, g_array_unref);
  self->addresses = scope_plan_addresses (scope_source_get_roster (self->source), self->config->settings, &self->own, &error);
  if (!self->addresses && scope_source_is_cached (self->source))
    {
      /* It would be so at each start, since the registry's own roster would never come to be stored. */
      g_message ("roster cache: %s: waiting for the registry", error->message);
      g_error_free (error);
      scope_source_drop_roster (self->source);
      return;
    }
  if (!self->addresses)
    {
      engine_fail (self, error);
      return;
    }
  engine_make_plan (self);
  config = scope_outfit_new (self->config, SCOPE_IS_MEMBER (self->source) ? &self->own : NULL, self->addresses,
                             scope_wanted_get_routes (self->wanted), &error);
  if (config)
    config->mtu = self->mtu = engine_choose_mtu (self);
  if (config)
    self->tunnel = scope_tunnel_new (self->config->settings->tunnel, config, &error);
  if (!self->tunnel)
    {
      engine_fail (self, error);
      return;
    }
  scope_outfit_say_dns (self->config);
  self->state = STATE_RAISING;
  g_signal_connect_object (self->tunnel, "failed", G_CALLBACK (on_tunnel_failed), self, 0);
  scope_tunnel_up_async (self->tunnel, self->cancellable, on_tunnel_up, g_object_ref (self));
}

/* --- keys-only: first the interface, whose key is ours ------------------------------------- */

static void
on_attached (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  GError *error = NULL;

  if (!take_tunnel (self, result))
    return;
  self->own = *scope_tunnel_attached_get_key (self->tunnel);
  if (!scope_outfit_fits (self->config->settings, scope_tunnel_get_config (self->tunnel)->ifname, &self->own, &error) ||
      !engine_make_source (self, FALSE, &error))
    {
      engine_fail (self, error);
      return;
    }
  scope_source_running (self->source, self->tunnel);
  engine_begin (self);
}

void
engine_attach (ScopeEngine *self)
{
  self->state = STATE_RAISING;
  self->addresses = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  self->tunnel = scope_tunnel_attached_new (self->bus, self->config->settings->wireguard);
  g_signal_connect_object (self->tunnel, "failed", G_CALLBACK (on_tunnel_failed), self, 0);
  scope_tunnel_up_async (self->tunnel, self->cancellable, on_attached, g_object_ref (self));
}
