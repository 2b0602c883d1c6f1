/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-failure: why networks of this machine did not come up the last time, as their services have left word of it. */
#pragma once

#include <glib.h>

/**
 * ctl_failures_format:
 * @dir: SCOPE_FAILURE_DIR
 * @network: (nullable): its local name; NULL for all
 * @now: seconds since 1970
 *
 * Returns: (transfer full): a line for each that this user may read, the newest first; may be empty
 */
char *ctl_failures_format (const char *dir, const char *network, gint64 now);
