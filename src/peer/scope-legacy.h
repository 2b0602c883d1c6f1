/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-legacy: a network as 0.0.x has it: the registry's word, kept for a start without it; others
 * are told to look again once the root knows our endpoint.
 */
#pragma once

#include "peer/scope-source.h"

#define SCOPE_TYPE_LEGACY (scope_legacy_get_type ())
G_DECLARE_FINAL_TYPE (ScopeLegacy, scope_legacy, SCOPE, LEGACY, ScopeSource)

/* @error: SCOPE_ERROR_INVALID when the CA file cannot be read. Keeps STATE.roster */
ScopeSource *scope_legacy_new (const ScopeSourceConfig *config, GError **error);
