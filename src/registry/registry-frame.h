/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-frame: the server's side of WebSocket framing (RFC 6455 §5), no extensions, no I/O.
 *
 * Why not SoupWebsocketConnection: measured with libsoup 3.2.3 and GLib 2.74, each one is a source in
 * the main loop, so that every turn of the loop costs time for every idle socket: with 5,000 of them
 * one GET /get took 622 µs of CPU instead of 40, a message fanned out 11 to 15 µs. See tests/bench.
 */
#pragma once

#include <glib.h>

typedef enum {
  REGISTRY_FRAME_CONTINUATION = 0x0,
  REGISTRY_FRAME_TEXT = 0x1,
  REGISTRY_FRAME_BINARY = 0x2,
  REGISTRY_FRAME_CLOSE = 0x8,
  REGISTRY_FRAME_PING = 0x9,
  REGISTRY_FRAME_PONG = 0xa,
} RegistryOpcode;

/* Close codes that we send (RFC 6455 §7.4.1). */
#define REGISTRY_CLOSE_NORMAL 1000
#define REGISTRY_CLOSE_GOING_AWAY 1001
#define REGISTRY_CLOSE_PROTOCOL 1002
#define REGISTRY_CLOSE_BAD_DATA 1007
#define REGISTRY_CLOSE_POLICY 1008
#define REGISTRY_CLOSE_TOO_BIG 1009
#define REGISTRY_CLOSE_TRY_LATER 1013

/* One unfragmented, unmasked frame. */
GBytes *registry_frame_new (RegistryOpcode opcode, gconstpointer payload, gsize len);

/* A close frame with this code and no reason. */
GBytes *registry_frame_new_close (guint16 code);

/**
 * RegistryDecoder:
 * @pending: (nullable): bytes of a frame that is not whole yet
 * @message: (nullable): fragments of a message that is not whole yet
 *
 * Zero-initialised; holds no memory between whole messages.
 */
typedef struct {
  GByteArray *pending;
  GByteArray *message;
  guint8 opcode;
} RegistryDecoder;

void registry_decoder_clear (RegistryDecoder *decoder);

/**
 * RegistryFrameFunc:
 * @opcode: text and binary as whole messages, close, ping, pong
 * @payload: not NUL-terminated
 *
 * Returns: %FALSE to stop decoding: the rest does not matter any more
 */
typedef gboolean (*RegistryFrameFunc) (RegistryOpcode opcode, const guint8 *payload, gsize len, gpointer user_data);

/**
 * registry_decoder_feed:
 * @data: bytes as they came; unmasked in place
 * @max: bytes to accept for one message
 *
 * Returns: 0, or the code to close the connection with
 */
guint16 registry_decoder_feed (RegistryDecoder *decoder, guint8 *data, gsize len, gsize max, RegistryFrameFunc func,
                               gpointer user_data);

/* The code to answer a close frame with: its own, or REGISTRY_CLOSE_PROTOCOL when it is wrong. */
guint16 registry_frame_close_code (const guint8 *payload, gsize len);
