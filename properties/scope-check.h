/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-check: asks a registry for its networks while a person types. A program of its own does it (scopectl networks):
 * NetworkManager's programs bring a libsoup along that may be another one than ours, and nothing here waits.
 */
#pragma once

#include <glib.h>

typedef struct _ScopeCheck ScopeCheck;

/**
 * ScopeCheckDone:
 * @networks: (nullable): names, %NULL when it did not work
 * @from: (nullable): URL of the registry that answered
 * @why: (nullable): for a person, why it did not work
 */
typedef void (*ScopeCheckDone) (const char *const *networks, const char *from, const char *why, gpointer user_data);

/* @program: scopectl's path */
ScopeCheck *scope_check_new (const char *program, ScopeCheckDone done, gpointer user_data);
void scope_check_free (ScopeCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeCheck, scope_check_free)

/**
 * scope_check_begin:
 * @registry: one URL or more, as the setting has them
 * @ca: (nullable): PEM file
 * @delay_ms: to wait for more typing
 *
 * Ends what is under way: there is one answer, to the last question, 12 s after it at the latest.
 */
void scope_check_begin (ScopeCheck *check, const char *registry, const char *ca, guint delay_ms);

/* No answer any more, and no process. */
void scope_check_cancel (ScopeCheck *check);
