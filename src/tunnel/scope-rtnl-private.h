/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-rtnl-private: what the scope-rtnl files share, and who reads much by rtnetlink. */
#pragma once

#include "tunnel/scope-rtnl.h"

#include <libmnl/libmnl.h>

/* @buf: of at least 512 bytes. */
struct nlmsghdr *scope_rtnl_request (char *buf, guint16 type, guint16 flags);

/* @what: for the error. @ignore_errno: that is no error */
gboolean scope_rtnl_talk (struct nlmsghdr *nlh, int ignore_errno, const char *what, GError **error);

/* Reads all of a kind (RTM_GETLINK, …), one call of @func each. Returns: FALSE when the kernel does not say, with errno */
gboolean scope_rtnl_dump (guint16 type, int family, mnl_cb_t func, gpointer data);
