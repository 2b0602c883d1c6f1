/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signed-fixture.h"

#include "common/scope-error.h"

#include <string.h>

SignedFixture fixture;

static ScopeIdentity *
identity (guint8 seed)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  g_autoptr (GError) error = NULL;
  ScopeIdentity *made;

  memset (secret, seed, sizeof secret);
  made = scope_identity_new (secret, &error);
  g_assert_no_error (error);
  return made;
}

void
signed_fixture_init (void)
{
  fixture = (SignedFixture) { identity (1), identity (2), identity (3), identity (4) };
}

void
signed_fixture_clear (void)
{
  g_clear_pointer (&fixture.root, scope_identity_unref);
  g_clear_pointer (&fixture.delegate, scope_identity_unref);
  g_clear_pointer (&fixture.alice, scope_identity_unref);
  g_clear_pointer (&fixture.bob, scope_identity_unref);
}

const char *
fingerprint_of (const ScopeIdentity *who)
{
  return scope_identity_public_fingerprint (scope_identity_public (who));
}

char *
payload_about (const char *payload, const ScopeIdentity *about)
{
  g_autofree char *pub = scope_identity_public_format (scope_identity_public (about));
  g_autoptr (GString) out = g_string_new (payload);

  g_string_replace (out, "@identity@", pub, 0);
  g_string_replace (out, "@fingerprint@", fingerprint_of (about), 0);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
payload_with (const char *payload, const ScopeIdentity *about, const char *member, const char *instead)
{
  g_autoptr (GString) out = g_string_new (payload);

  if (g_string_replace (out, member, instead, 0) != 1)
    g_error ("%s is not once in %s", member, payload);
  return payload_about (out->str, about);
}

ScopeJws *
signed_by (const ScopeIdentity *who, const char *typ, const char *payload)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = scope_jws_sign (who, typ, payload, &error);
  ScopeJws *jws;

  g_assert_no_error (error);
  jws = scope_jws_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  return jws;
}

void
expect_error (GError **error, int code, const char *message, const char *what)
{
  if (!*error)
    g_error ("%s: no error, not “%s”", what, message);
  if (!g_error_matches (*error, SCOPE_ERROR, code) || !strstr ((*error)->message, message))
    g_error ("%s: error %d “%s”, not %d “%s”", what, (*error)->code, (*error)->message, code, message);
  g_clear_error (error);
}
