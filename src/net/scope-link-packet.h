/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-link-packet: a link message as it comes from the interface: an IPv6 packet, in it UDP, in it a frame. The decoder
 * of scope-channel alone.
 */
#pragma once

#include <json-glib/json-glib.h>

#define SCOPE_LINK_PACKET_HEADERS 48
#define SCOPE_LINK_PACKET_MAX (16 * 1024) /* a probe may fill the tunnel's MTU */

/**
 * scope_link_packet_text:
 * @packet: @n bytes from the IP header on
 * @check_sum: FALSE when the device has still to fill it in
 * @len: (out): bytes of the text
 *
 * Returns: (nullable): the text, in @packet, not NUL-terminated; NULL when it is no UDP packet from port
 *   SCOPE_CHANNEL_PORT, or a damaged one
 */
const char *scope_link_packet_text (const guint8 *packet, gsize n, gboolean check_sum, gsize *len);

/* The 16 bytes of its source address. */
const guint8 *scope_link_packet_source (const guint8 *packet);

/* (transfer full) (nullable): the frame with a string "t" and an object "d"; NULL when it is none, or too long for its type. */
JsonObject *scope_link_packet_frame (const char *text, gsize len);
