/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg-private: what the two backends of scope-wg share.
 */
#pragma once

#include <glib.h>

/**
 * scope_wg_set_errno:
 * @what: what was tried
 * @code: errno
 * @detail: (nullable): what the other side says beyond it
 */
void scope_wg_set_errno (GError **error, const char *ifname, const char *what, int code, const char *detail);
