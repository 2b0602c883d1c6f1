/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz-netlink: a dump as it comes from the socket: messages one after the other, into one device.
 */
#include "tunnel/scope-wg.h"

#include <linux/netlink.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      struct nlmsghdr header;
      gboolean ok = scope_wg_device_parse_netlink (device, data, size, &error);

      g_assert_true (!ok == !!error);
      if (!ok)
        break;
      memcpy (&header, data, sizeof header);
      gsize step = MIN ((gsize) NLMSG_ALIGN (header.nlmsg_len), size);
      data += step;
      size -= step;
    }

  /* What the decoder says must satisfy the difference function: nothing to do against itself. */
  for (guint i = 0; i < device->peers->len; i++)
    scope_wg_peer_normalise (g_ptr_array_index (device->peers, i));
  g_autoptr (GPtrArray) changes = scope_wg_diff (device, device->peers, NULL);
  g_assert_nonnull (changes);
  return 0;
}
