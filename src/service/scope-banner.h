/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-banner: one sentence for a person whose network is up: its name, this computer's addresses, and how others are
 * reached. NetworkManager has it as the VPN connection's banner (nmcli connection show), applets show it. Pure.
 */
#pragma once

#include <glib.h>

/* @status: JSON, see scope_describe(). (transfer full) (nullable): translated; NULL when there is nothing to say */
char *scope_banner_new (const char *status);
