/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-qr: a QR code as text, two rows of modules in a line (Unicode half blocks). */
#pragma once

#include <glib.h>

/**
 * ctl_qr_draw:
 * @colours: with escape sequences that make it dark on light, whatever the terminal's colours are; without them, light
 *   is drawn, as for a dark terminal
 * @columns: (out) (optional): how wide it is
 * @error: SCOPE_ERROR_INVALID: too much for a QR code
 *
 * Returns: (transfer full): lines
 */
char *ctl_qr_draw (const char *text, gboolean colours, guint *columns, GError **error);
