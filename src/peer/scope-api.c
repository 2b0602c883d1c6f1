/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-api.h"

#include "common/scope-error.h"

char *
scope_api_peer_url (const ScopeApi *api, const char *verb, ScopeApiKeyForm form)
{
  char key[SCOPE_KEY_BASE64_LEN + 1];

  if (form == SCOPE_API_KEY_RAW)
    scope_key_to_base64 (&api->own, key);
  else
    scope_key_to_base64url (&api->own, key);
  return g_strdup_printf ("%s/%s/%s/%s", api->registry, verb, api->network, key);
}

char *
scope_api_messages_url (const ScopeApi *api)
{
  return g_strconcat (api->registry, "/messages", NULL);
}

static const char *
tls_reason (GTlsCertificateFlags flags)
{
  if (flags & G_TLS_CERTIFICATE_EXPIRED)
    return "it has expired";
  if (flags & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return "it is not valid yet";
  if (flags & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return "it is for another name";
  if (flags & G_TLS_CERTIFICATE_REVOKED)
    return "it was revoked";
  if (flags & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return "nobody whom we trust has signed it; a CA of your own goes into ca";
  return "it is not acceptable";
}

GError *
scope_api_error (const ScopeApi *api, SoupMessage *message, const GError *error)
{
  const char *url = api->registry;

  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_TLS, "registry %s: certificate refused: %s", url,
                        tls_reason (soup_message_get_tls_peer_certificate_errors (message)));
  if (error->domain == G_TLS_ERROR)
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_TLS, "registry %s: no TLS there (%s)", url, error->message);
  if (error->domain == SOUP_SESSION_ERROR || error->domain == SOUP_WEBSOCKET_ERROR)
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "registry %s: %s", url, error->message);
  return g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: %s", url, error->message);
}

GError *
scope_api_status_error (const ScopeApi *api, guint status, gboolean json)
{
  const char *url = api->registry, *network = api->network;
  char key[SCOPE_KEY_BASE64_LEN + 1];

  scope_key_to_base64 (&api->own, key);
  if (status == SOUP_STATUS_NOT_FOUND && json) /* else it is some web server's 404 */
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED,
                        "registry %s: our public key %s is not listed in network %s: add it on the root server", url,
                        key, network);
  if (status == SOUP_STATUS_FORBIDDEN || status == SOUP_STATUS_UNAUTHORIZED)
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_DENIED,
                        "registry %s: serves no network %s to us (status %u); netreg is its name there", url, network,
                        status);
  if (status == 429 /* too many requests */ || status >= 500)
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: busy or broken (status %u)", url, status);
  return g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "registry %s: does not answer as a registry does (status %u)",
                      url, status);
}

/* A proxy that says 502 for us says it for both: the WebSocket's error must not hide what it means. */
GError *
scope_api_websocket_error (const ScopeApi *api, SoupMessage *message, const GError *error)
{
  guint status = message ? soup_message_get_status (message) : 0;

  if (error->domain == SOUP_WEBSOCKET_ERROR && status >= 400 && status != SOUP_STATUS_NOT_FOUND)
    return scope_api_status_error (api, status, FALSE);
  if (error->domain == SOUP_WEBSOCKET_ERROR)
    return g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL,
                        "registry %s: no registry at this address, or a proxy that passes no WebSockets (status %u)",
                        api->registry, status);
  return scope_api_error (api, message, error);
}
