/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-start: what an engine needs to know, out of the connection that NetworkManager gives and the keys that we keep.
 */
#pragma once

#include "peer/scope-engine.h"

#include <NetworkManager.h>

/* (transfer full) (nullable): @error: SCOPE_ERROR_INVALID names the setting or secret */
ScopeEngineConfig *scope_start_config (NMConnection *connection, GError **error);
