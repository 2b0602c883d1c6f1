/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-link-packet.h"
#include "net/scope-prober.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
on_send (const ScopeKey *to, const char *text, gsize len, gpointer data)
{
}

static void
on_echo (const ScopeKey *from, gint64 usec, guint size, gpointer data)
{
}

static const ScopeProberCalls calls = { on_send, on_echo };

/* The sum is not looked at: nobody would find one. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (ScopeProber) prober = scope_prober_new (&calls, NULL);
  const ScopeKey peer = { { 1 } };
  gsize len;
  const char *text = scope_link_packet_text (data, size, FALSE, &len);
  g_autoptr (JsonObject) frame = NULL;

  scope_link_packet_text (data, size, TRUE, &len);
  frame = text ? scope_link_packet_frame (text, len) : NULL;
  scope_prober_probe (prober, &peer, 0, 1);
  if (frame)
    scope_prober_take (prober, &peer, json_object_get_string_member (frame, "t"),
                       json_object_get_object_member (frame, "d"), 2);
  return 0;
}
