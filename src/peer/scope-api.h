/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-api: the registry's HTTP interface (0.0.x) as a peer sees it: where things are, and what it
 * means when the answer is no. Nothing is sent from here.
 */
#pragma once

#include "common/scope-key.h"

#include <libsoup/soup.h>

/**
 * ScopeApi:
 * @registry: URL, without a slash at its end
 * @network: the network's name there
 * @own: our public key
 *
 * Whom we ask about what. The texts are borrowed.
 */
typedef struct {
  const char *registry;
  const char *network;
  ScopeKey own;
} ScopeApi;

/* How the key is written in a path. 0.0.x writes it raw; a proxy may merge the slashes of a raw key. */
typedef enum { SCOPE_API_KEY_RAW, SCOPE_API_KEY_BASE64URL, SCOPE_API_N_KEY_FORMS } ScopeApiKeyForm;

/* (transfer full): the address of @verb (“get”, “update”) for us in the network */
char *scope_api_peer_url (const ScopeApi *api, const char *verb, ScopeApiKeyForm form);

/* (transfer full): the address of the WebSocket */
char *scope_api_messages_url (const ScopeApi *api);

/**
 * scope_api_error:
 * @message: what was sent
 * @error: libsoup's or GIO's
 *
 * Their many errors as ours, with the registry named.
 *
 * Returns: (transfer full): SCOPE_ERROR_TLS, _PROTOCOL or _UNREACHABLE
 */
GError *scope_api_error (const ScopeApi *api, SoupMessage *message, const GError *error);

/**
 * scope_api_status_error:
 * @status: any but the one that was hoped for
 * @json: whether the answer's body looks like JSON: else a 404 is some web server's
 *
 * Returns: (transfer full): SCOPE_ERROR_NOT_LISTED, _DENIED, _PROTOCOL or _UNREACHABLE
 */
GError *scope_api_status_error (const ScopeApi *api, guint status, gboolean json);

/**
 * scope_api_websocket_error:
 * @message: (nullable): what was sent
 * @error: of soup_session_websocket_connect_finish()
 *
 * Returns: (transfer full): as the two above
 */
GError *scope_api_websocket_error (const ScopeApi *api, SoupMessage *message, const GError *error);
