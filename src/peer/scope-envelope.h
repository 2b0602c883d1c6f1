/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-envelope: a signed envelope (scope-jws.h) in as few bytes as it can be kept in: what base64 adds is left out,
 * and so is a text that the keeper has elsewhere, such as the identity in a grant, which is half of it. It comes back
 * as an envelope with the same signatures; only what is around them may be written differently.
 */
#pragma once

#include "crypto/scope-jws.h"

/* @elide: (nullable): text that is left out of the payload where it occurs. (transfer full) */
GBytes *scope_envelope_pack (const ScopeJws *jws, const char *elide);

/* @elide: as it was packed. (transfer full) */
char *scope_envelope_unpack (GBytes *packed, const char *elide);
