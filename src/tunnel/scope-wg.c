/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-wg.h"

#include "common/scope-error.h"
#include "common/scope-settings.h"
#include "tunnel/scope-wg-netlink.h"
#include "tunnel/scope-wg-private.h"
#include "tunnel/scope-wg-uapi.h"

#include <errno.h>
#include <string.h>

ScopeWgPeer *
scope_wg_peer_new (const ScopeKey *pub)
{
  ScopeWgPeer *peer = g_new0 (ScopeWgPeer, 1);

  peer->pub = *pub;
  peer->allowed = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  return peer;
}

ScopeWgPeer *
scope_wg_peer_copy (const ScopeWgPeer *peer)
{
  ScopeWgPeer *copy = g_memdup2 (peer, sizeof *peer);

  copy->allowed = g_array_copy (peer->allowed);
  return copy;
}

void
scope_wg_peer_free (ScopeWgPeer *peer)
{
  g_array_unref (peer->allowed);
  scope_key_clear (&peer->preshared);
  g_free (peer);
}

void
scope_wg_peer_normalise (ScopeWgPeer *peer)
{
  ScopePrefix *p = (ScopePrefix *) peer->allowed->data;
  guint kept = 0;

  for (guint i = 0; i < peer->allowed->len; i++)
    scope_prefix_mask (&p[i]);
  g_array_sort (peer->allowed, scope_prefix_compare);
  for (guint i = 0; i < peer->allowed->len; i++)
    if (kept == 0 || !scope_prefix_equal (&p[kept - 1], &p[i]))
      p[kept++] = p[i];
  g_array_set_size (peer->allowed, kept);
}

ScopeWgDevice *
scope_wg_device_new (void)
{
  ScopeWgDevice *device = g_new0 (ScopeWgDevice, 1);

  device->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  device->by_key = g_hash_table_new (scope_key_hash, scope_key_equal);
  return device;
}

void
scope_wg_device_free (ScopeWgDevice *device)
{
  g_hash_table_unref (device->by_key);
  g_ptr_array_unref (device->peers);
  g_free (device);
}

ScopeWgPeer *
scope_wg_device_find (const ScopeWgDevice *device, const ScopeKey *pub)
{
  return g_hash_table_lookup (device->by_key, pub);
}

ScopeWgPeer *
scope_wg_device_peer (ScopeWgDevice *device, const ScopeKey *pub)
{
  ScopeWgPeer *peer = scope_wg_device_find (device, pub);

  if (!peer)
    {
      peer = scope_wg_peer_new (pub);
      g_ptr_array_add (device->peers, peer);
      g_hash_table_insert (device->by_key, &peer->pub, peer);
    }
  return peer;
}

ScopeWgChange *
scope_wg_change_new (ScopeWgPeer *peer)
{
  ScopeWgChange *change = g_new0 (ScopeWgChange, 1);

  change->peer = peer;
  return change;
}

void
scope_wg_change_free (ScopeWgChange *change)
{
  scope_wg_peer_free (change->peer);
  g_free (change);
}

ScopeWgChange *
scope_wg_change_readd (const ScopeWgDevice *actual, const ScopeWgPeer *wanted)
{
  const ScopeWgPeer *now = scope_wg_device_find (actual, &wanted->pub);
  ScopeWgChange *change = scope_wg_change_new (scope_wg_peer_copy (wanted));

  scope_wg_peer_normalise (change->peer);
  if (now && now->endpoint.any.sa_family != AF_UNSPEC)
    change->peer->endpoint = now->endpoint;
  change->readd = TRUE;
  return change;
}

/* The wanted peers as WireGuard can hold them: each key once, each prefix at one peer. */
static GPtrArray *
settle (const GPtrArray *wanted, const ScopeKey *own)
{
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  g_autoptr (GHashTable) keys = g_hash_table_new (scope_key_hash, scope_key_equal);
  g_autoptr (GHashTable) prefixes = g_hash_table_new_full (scope_prefix_hash, scope_prefix_same, g_free, NULL);

  for (guint i = 0; i < wanted->len; i++)
    {
      const ScopeWgPeer *want = g_ptr_array_index (wanted, i);

      if (scope_key_equal (&want->pub, own) || g_hash_table_contains (keys, &want->pub))
        continue;

      ScopeWgPeer *peer = scope_wg_peer_copy (want);
      g_ptr_array_add (peers, peer);
      g_hash_table_add (keys, &peer->pub);

      scope_wg_peer_normalise (peer);
      ScopePrefix *p = (ScopePrefix *) peer->allowed->data;
      guint kept = 0;
      for (guint j = 0; j < peer->allowed->len; j++)
        if (g_hash_table_add (prefixes, g_memdup2 (&p[j], sizeof p[j])))
          p[kept++] = p[j];
      g_array_set_size (peer->allowed, kept);
    }
  return g_steal_pointer (&peers);
}

static gboolean
endpoint_differs (const ScopeWgPeer *actual, const ScopeWgPeer *want, const ScopeWgPeer *before)
{
  if (want->endpoint.any.sa_family == AF_UNSPEC || scope_sockaddr_equal (&actual->endpoint, &want->endpoint))
    return FALSE;
  if (actual->endpoint.any.sa_family == AF_UNSPEC)
    return TRUE;
  return !before || !scope_sockaddr_equal (&before->endpoint, &want->endpoint);
}

GPtrArray *
scope_wg_diff (const ScopeWgDevice *actual, const GPtrArray *wanted, const GPtrArray *previous)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (GPtrArray) settled = settle (wanted, &actual->pub);
  g_autoptr (GHashTable) keep = g_hash_table_new (scope_key_hash, scope_key_equal);
  g_autoptr (GHashTable) before = g_hash_table_new (scope_key_hash, scope_key_equal);

  for (guint i = 0; i < settled->len; i++)
    g_hash_table_add (keep, &((ScopeWgPeer *) g_ptr_array_index (settled, i))->pub);
  for (guint i = previous ? previous->len : 0; i-- > 0;)
    {
      ScopeWgPeer *peer = g_ptr_array_index (previous, i);
      g_hash_table_insert (before, &peer->pub, peer); /* backwards: of two entries the first one counts */
    }

  for (guint i = 0; i < actual->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (actual->peers, i);

      if (!g_hash_table_contains (keep, &peer->pub))
        {
          ScopeWgChange *change = scope_wg_change_new (scope_wg_peer_new (&peer->pub));
          change->remove = TRUE;
          g_ptr_array_add (changes, change);
        }
    }

  for (guint i = 0; i < settled->len; i++)
    {
      const ScopeWgPeer *want = g_ptr_array_index (settled, i);
      const ScopeWgPeer *now = scope_wg_device_find (actual, &want->pub);
      ScopeWgChange found = { 0 };

      if (now)
        {
          found.set_endpoint = endpoint_differs (now, want, g_hash_table_lookup (before, &want->pub));
          found.set_keepalive = now->keepalive != want->keepalive;
          found.set_allowed = !scope_prefix_list_equal (now->allowed, want->allowed);
          found.set_preshared = !scope_key_equal (&now->preshared, &want->preshared);
          if (!found.set_endpoint && !found.set_keepalive && !found.set_allowed && !found.set_preshared)
            continue;
        }
      else
        {
          found.add = TRUE;
          found.set_endpoint = want->endpoint.any.sa_family != AF_UNSPEC;
          found.set_keepalive = found.set_allowed = found.set_preshared = TRUE;
        }
      found.peer = scope_wg_peer_copy (want);
      g_ptr_array_add (changes, g_memdup2 (&found, sizeof found));
    }
  return g_steal_pointer (&changes);
}

GPtrArray *
scope_wg_diff_keys (const ScopeWgDevice *actual, const GPtrArray *wanted)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);

  for (guint i = 0; i < wanted->len; i++)
    {
      const ScopeWgPeer *want = g_ptr_array_index (wanted, i);
      const ScopeWgPeer *now = scope_wg_device_find (actual, &want->pub);
      ScopeWgChange *change;

      if (!now || scope_key_is_zero (&want->preshared) || scope_key_equal (&now->preshared, &want->preshared))
        continue;
      change = scope_wg_change_new (scope_wg_peer_new (&want->pub));
      change->peer->preshared = want->preshared;
      change->set_preshared = TRUE;
      g_ptr_array_add (changes, change);
    }
  return g_steal_pointer (&changes);
}

void
scope_wg_set_errno (GError **error, const char *ifname, const char *what, int code, const char *detail)
{
  ScopeError kind;
  const char *text = g_strerror (code);

  switch (code)
    {
    case ENODEV:
    case EOPNOTSUPP: /* what the kernel says of an interface that is not a WireGuard one */
      kind = SCOPE_ERROR_GONE;
      text = "no such WireGuard interface";
      break;
    case EPERM:
    case EACCES:
      kind = SCOPE_ERROR_DENIED;
      text = "not permitted, this needs CAP_NET_ADMIN";
      break;
    case EADDRINUSE:
      kind = SCOPE_ERROR_TAKEN;
      text = "the UDP port is used by somebody else";
      break;
    default:
      kind = SCOPE_ERROR_FAILED;
    }
  g_set_error (error, SCOPE_ERROR, kind, "interface %s: cannot %s: %s%s%s%s", ifname, what, text,
               detail && *detail ? " (" : "", detail ? detail : "", detail && *detail ? ")" : "");
}

/* The name becomes a file name of the UAPI socket and a netlink attribute of limited length. */
static gboolean
check_ifname (const char *ifname, GError **error)
{
  if (scope_ifname_valid (ifname))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "“%.40s” is not an interface name", ifname);
  return FALSE;
}

ScopeWgDevice *
scope_wg_device_read (const char *ifname, ScopeWgBackend *backend, GError **error)
{
  g_autoptr (GError) kernel_error = NULL;
  g_autoptr (GError) uapi_error = NULL;
  ScopeWgDevice *device;

  if (!check_ifname (ifname, error))
    return NULL;

  device = scope_wg_netlink_read (ifname, &kernel_error);
  if (device)
    {
      if (backend)
        *backend = SCOPE_WG_KERNEL;
      return device;
    }
  if (!scope_err_gone (kernel_error) && !scope_err_denied (kernel_error) &&
      !g_error_matches (kernel_error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED))
    {
      g_propagate_error (error, g_steal_pointer (&kernel_error));
      return NULL;
    }

  device = scope_wg_uapi_read (ifname, &uapi_error);
  if (device)
    {
      if (backend)
        *backend = SCOPE_WG_UAPI;
      return device;
    }
  /* Without CAP_NET_ADMIN the kernel does not say whether it has the device. */
  if (scope_err_gone (uapi_error) && scope_err_denied (kernel_error))
    g_propagate_error (error, g_steal_pointer (&kernel_error));
  else
    g_propagate_error (error, g_steal_pointer (&uapi_error));
  return NULL;
}

gboolean
scope_wg_apply (const char *ifname, ScopeWgBackend backend, const GPtrArray *changes, GError **error)
{
  if (!check_ifname (ifname, error))
    return FALSE;
  if (changes->len == 0)
    return TRUE;
  return backend == SCOPE_WG_KERNEL ? scope_wg_netlink_apply (ifname, changes, error)
                                    : scope_wg_uapi_apply (ifname, changes, error);
}

gboolean
scope_wg_configure (const char *ifname, ScopeWgBackend backend, const ScopeKey *private_key, guint16 listen_port,
                    GError **error)
{
  if (!check_ifname (ifname, error))
    return FALSE;
  return backend == SCOPE_WG_KERNEL ? scope_wg_netlink_configure (ifname, private_key, listen_port, error)
                                    : scope_wg_uapi_configure (ifname, private_key, listen_port, error);
}

gboolean
scope_wg_set_fwmark (const char *ifname, ScopeWgBackend backend, guint32 fwmark, GError **error)
{
  if (!check_ifname (ifname, error))
    return FALSE;
  return backend == SCOPE_WG_KERNEL ? scope_wg_netlink_set_fwmark (ifname, fwmark, error)
                                    : scope_wg_uapi_set_fwmark (ifname, fwmark, error);
}
