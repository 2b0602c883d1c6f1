/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-message: the envelope {"t": "<type>", "d": <data>} of the WebSocket `/messages`.
 * 0.0.x knows `ping` ("SYN" asks, "ACK" answers), `peerUpdate` (data: the network's name) and
 * `error` ("unknownType").
 */
#pragma once

#include <glib.h>

#define SCOPE_MESSAGE_MAX_BYTES (64 * 1024)

typedef enum {
  SCOPE_MESSAGE_UNKNOWN,
  SCOPE_MESSAGE_PING,
  SCOPE_MESSAGE_PEER_UPDATE,
  SCOPE_MESSAGE_ERROR,
} ScopeMessageType;

/**
 * ScopeMessage:
 * @type: SCOPE_MESSAGE_UNKNOWN for a type that we do not know
 * @data: (nullable): "d" when it is a string, else %NULL
 */
typedef struct {
  ScopeMessageType type;
  char *data;
} ScopeMessage;

void scope_message_clear (ScopeMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScopeMessage, scope_message_clear)

/**
 * scope_message_parse:
 * @message: (out): the result; clear it with scope_message_clear()
 * @text: one text frame
 * @error: SCOPE_ERROR_PROTOCOL: not JSON, not an object, no string "t"
 */
gboolean scope_message_parse (ScopeMessage *message, const char *text, gsize len, GError **error);

/* {"t":…,"d":"…"}, newly allocated */
char *scope_message_format (ScopeMessageType type, const char *data);
