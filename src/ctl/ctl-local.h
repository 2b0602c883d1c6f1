/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-local: what a service says of its network (scope_describe()), for people. Pure: no bus, no terminal. */
#pragma once

#include <json-glib/json-glib.h>

/**
 * ctl_local_format:
 * @status: of CtlService
 *
 * Returns: (transfer full): a line on this machine, then a table with a row for each peer
 */
char *ctl_local_format (JsonObject *status);

/* The peers; never NULL. Only those that are objects: a status that was checked by nobody has no others. */
GPtrArray *ctl_local_peers (JsonObject *status);

/**
 * ctl_local_find:
 * @text: a peer's name, one of its addresses, its fingerprint or the beginning of it, or its WireGuard key
 *
 * Returns: (nullable): borrowed from @status
 */
JsonObject *ctl_local_find (JsonObject *status, const char *text);

/* (transfer full): its name, or else the beginning of its fingerprint or key */
char *ctl_local_name (JsonObject *peer);

/* (transfer full) (nullable): its first single address, of IPv4 if it has one; @wanted: (nullable): this one if it has it */
char *ctl_local_address (JsonObject *peer, const char *wanted);

/* (transfer full): how packets go to @peer: "direct", "relay gate", …; @status: to name relays by */
char *ctl_local_path (JsonObject *peer, JsonObject *status);

gboolean ctl_local_is_direct (JsonObject *peer);

/* For parts of a status that may not be there: "" and -1. */
const char *ctl_local_text (JsonObject *object, const char *member);
gint64 ctl_local_number (JsonObject *object, const char *member);
gboolean ctl_local_boolean (JsonObject *object, const char *member);

/* (transfer full): one line, or with @pretty many */
char *ctl_local_to_json (JsonObject *object, gboolean pretty);
