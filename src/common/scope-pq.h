/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-pq: whether a peer wants post-quantum keys: what it says in its record, and the setting.
 */
#pragma once

#include <glib.h>

typedef enum {
  SCOPE_PQ_OFF,
  SCOPE_PQ_PREFERRED,
  SCOPE_PQ_REQUIRED,
} ScopePq;

/* "off", "preferred", "required" */
const char *scope_pq_to_string (ScopePq pq);
gboolean scope_pq_parse (ScopePq *pq, const char *text);
