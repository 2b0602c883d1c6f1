/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-intake: notices a WebSocket message that does not end. libsoup limits a frame, but before 3.8 not a message of
 * ever more frames: it would grow in memory without anybody being asked. It reads while there is something to read, so a
 * sender that is faster than this machine reads (hundreds of MB/s) is noticed only when it pauses.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeIntake ScopeIntake;

/**
 * scope_intake_new:
 * @connection: a TCP connection that somebody else reads from
 * @max: bytes
 * @over: called once when more than @max were read since the last message; may free
 *
 * Looks whenever the main loop turns, and wakes up nobody.
 */
ScopeIntake *scope_intake_new (GSocketConnection *connection, guint64 max, void (*over) (gpointer data), gpointer data);
void scope_intake_free (ScopeIntake *intake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeIntake, scope_intake_free)

/* A message has come to its end. */
void scope_intake_mark (ScopeIntake *intake);
