/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-patience: how long a start without a roster puts up with registries that do not serve us.
 */
#pragma once

#include <glib.h>

typedef struct _ScopePatience ScopePatience;

/**
 * ScopePatienceOver:
 * @error: (transfer none): the last one that was borne
 */
typedef void (*ScopePatienceOver) (const GError *error, gpointer data);

/* @over: called once when 10 s have passed and there was an error that was borne */
ScopePatience *scope_patience_new (ScopePatienceOver over, gpointer data);
void scope_patience_free (ScopePatience *patience);

/**
 * scope_patience_bears:
 *
 * An unreachable registry is borne for 10 s. “Not listed” counts when it is said twice: the admin may
 * have listed us this very second.
 *
 * Returns: whether to go on waiting in spite of @error
 */
gboolean scope_patience_bears (ScopePatience *patience, const GError *error);
