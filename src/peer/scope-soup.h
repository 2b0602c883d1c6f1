/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-soup: what all our connections to a registry have in common: how libsoup is set up, and what is below its
 * WebSockets.
 */
#pragma once

#include <libsoup/soup.h>

/**
 * scope_soup_new:
 * @ca: (nullable): PEM file to trust instead of the system's certificates
 * @database: (out) (optional) (transfer none): with @ca
 * @error: SCOPE_ERROR_INVALID when the file cannot be read
 *
 * Its connections carry the mark of what does not go into the tunnel (scope-policy.h).
 */
SoupSession *scope_soup_new (const char *ca, GTlsDatabase **database, GError **error);

/* The TCP connection, below libsoup's wrapper, and TLS if there is any. (transfer full) (nullable) */
GSocketConnection *scope_soup_base_connection (SoupWebsocketConnection *socket);
