/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-log: where the service's log lines go: standard error, or syslog when NetworkManager asks for
 * it (NM_VPN_LOG_SYSLOG=1), down to the syslog level in NM_VPN_LOG_LEVEL (1 to 7; 5 for 0 and unless given).
 */
#pragma once

#include <glib.h>

/* @debug: everything, to standard error, whatever the environment says */
void scope_log_init (gboolean debug);
