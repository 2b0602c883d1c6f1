/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-answer.h"

#include "common/scope-json.h"

#include <string.h>

#define TEXT_TYPE "text/plain; charset=utf-8"

void
registry_answer (SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_replace (headers, "Content-Type", type);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
}

void
registry_answer_text (SoupServerMessage *message, guint status, const char *text)
{
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));

  registry_answer (message, status, TEXT_TYPE, body);
}

/* As 0.0.x writes it, with the name escaped. */
void
registry_answer_error (SoupServerMessage *message, guint status, const char *network, const char *error)
{
  g_autoptr (GString) text = g_string_new ("{\"ifname\":");
  g_autoptr (GBytes) body = NULL;

  scope_json_append_string (text, network);
  g_string_append (text, ", \"error\": ");
  scope_json_append_string (text, error);
  g_string_append_c (text, '}');
  body = g_string_free_to_bytes (g_steal_pointer (&text));
  registry_answer (message, status, REGISTRY_JSON_TYPE, body);
}

void
registry_answer_bad_field (SoupServerMessage *message, const char *field)
{
  g_autoptr (GString) text = g_string_new ("{\"error\":\"badRequest\",\"field\":");
  g_autoptr (GBytes) body = NULL;

  scope_json_append_string (text, field);
  g_string_append_c (text, '}');
  body = g_string_free_to_bytes (g_steal_pointer (&text));
  registry_answer (message, SOUP_STATUS_BAD_REQUEST, REGISTRY_JSON_TYPE, body);
}

void
registry_answer_later (SoupServerMessage *message, guint status, guint seconds, const char *text)
{
  char number[16];

  g_snprintf (number, sizeof number, "%u", seconds);
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After", number);
  registry_answer_text (message, status, text);
}

void
registry_answer_close (SoupServerMessage *message)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection", "close");
}
