/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-timeout: timers of which nobody counts the milliseconds.
 */
#pragma once

#include <glib.h>

/**
 * scope_timeout_add:
 * @ms: whole seconds leave it to GLib to wake up for several timers at once
 *
 * Returns: id of the source, as g_timeout_add()
 */
static inline guint
scope_timeout_add (guint ms, GSourceFunc function, gpointer data)
{
  return ms % 1000 ? g_timeout_add (ms, function, data) : g_timeout_add_seconds (ms / 1000, function, data);
}
