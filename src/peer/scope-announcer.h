/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-announcer: when to tell the registry that the others should look again: as soon as the root
 * has a handshake with us (then it knows our endpoint), and once more 10 s later, as 0.0.x does.
 */
#pragma once

#include "peer/scope-session.h"

typedef struct _ScopeAnnouncer ScopeAnnouncer;

/**
 * ScopeAnnouncerHeard:
 * @since: real time, µs
 *
 * Returns: whether the root has a handshake with us that is not older
 */
typedef gboolean (*ScopeAnnouncerHeard) (gint64 since, gpointer data);

/* @session: must outlive the announcer */
ScopeAnnouncer *scope_announcer_new (ScopeSession *session, ScopeAnnouncerHeard heard, gpointer data);
void scope_announcer_free (ScopeAnnouncer *announcer);

/**
 * scope_announcer_start:
 * @since: what the root must have heard since
 *
 * Announces when that is so and the session is open; after 10 s anyhow, since the root may hear us later.
 */
void scope_announcer_start (ScopeAnnouncer *announcer, gint64 since);

/* Whether it still waits for the root or the session. */
gboolean scope_announcer_is_waiting (ScopeAnnouncer *announcer);
