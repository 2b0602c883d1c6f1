/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-paths: the links between relays in a registry's answer, and how far the relays are from one of them. */
#pragma once

#include "path/scope-least.h"
#include "wire/scope-v1.h"

/* The `paths` of an answer to a scope-query; NULL when it has none, or none that is good. */
ScopeV1Message *ctl_paths_parse (const char *answer, gsize len, gsize max);

gboolean ctl_paths_has (const ScopeV1Message *paths, const ScopeKey *relay);
