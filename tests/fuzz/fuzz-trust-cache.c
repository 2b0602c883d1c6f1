/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz-trust-cache: loading what one peer believes; what was loaded comes out and in again the same. The identities
 * are those of tests/unit/trust-fixture.c, so that the corpus has caches that verify.
 */
#include "peer/scope-trust.h"

#include <string.h>

#define NOW G_GINT64_CONSTANT (1800000000)
#define ROOT 1
#define SELF 3

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static GLogWriterOutput
quiet (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) ? g_log_writer_default (level, fields, n_fields, data)
                                                            : G_LOG_WRITER_HANDLED;
}

static ScopeIdentityPublic *
person (int who)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];

  memset (secret, who, sizeof secret);
  g_autoptr (ScopeIdentity) identity = scope_identity_new (secret, NULL);
  return scope_identity_public_ref (scope_identity_public (identity));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static ScopeIdentityPublic *root, *self;
  ScopeKey own;

  if (!root)
    {
      g_log_set_writer_func (quiet, NULL, NULL);
      g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
      root = person (ROOT);
      self = person (SELF);
    }
  memset (own.bytes, SELF, sizeof own.bytes);
  g_autoptr (ScopeTrust) trust =
    scope_trust_new ("home", scope_identity_public_fingerprint (root), &own, self, SCOPE_PQ_PREFERRED);
  if (!scope_trust_load (trust, (const char *) data, size, NOW))
    return 0;
  g_autoptr (GString) first = scope_trust_serialise (trust);
  g_autoptr (ScopeTrust) again =
    scope_trust_new ("home", scope_identity_public_fingerprint (root), &own, self, SCOPE_PQ_PREFERRED);
  g_assert_true (scope_trust_load (again, first->str, first->len, NOW));
  g_autoptr (GString) second = scope_trust_serialise (again);
  g_assert_cmpuint (first->len, ==, second->len);
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, scope_trust_n_peers (again));
  return 0;
}
