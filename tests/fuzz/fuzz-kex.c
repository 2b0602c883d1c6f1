/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz-kex: what the other end of a pair says about preshared keys, as the body of each message; and our own file of
 * keys. What is taken is written, and read again as the same.
 */
#include "tests/unit/kex-fake.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

#define NETWORK "home"
#define NOW G_GINT64_CONSTANT (5000000)
#define OFFSET (G_GINT64_CONSTANT (1800000000) * 1000 - NOW)
#define OWN 10

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
try_message (const char *name, JsonObject *body)
{
  ScopeKexMessage message, again;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) written = NULL;
  g_autofree char *text = NULL, *text_again = NULL;
  const ScopeKey from = { { 1 } }, to = { { 2 } };

  if (!scope_kex_message_parse (&message, name, body, &error))
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, name));
      return;
    }
  g_assert_cmpstr (scope_kex_message_name (message.type), ==, name);
  g_assert_cmpuint (message.n_keys, >=, 1);
  g_assert_cmpuint (message.n_keys, <=, SCOPE_KEX_MESSAGE_MAX_KEYS);
  written = scope_kex_message_format (&message);
  g_assert_true (scope_kex_message_parse (&again, name, written, NULL));
  g_assert_true (memcmp (&message, &again, sizeof message) == 0);
  text = scope_kex_message_mac_text (&message, NETWORK, &from, &to);
  text_again = scope_kex_message_mac_text (&again, NETWORK, &from, &to);
  g_assert_cmpstr (text, ==, text_again);
}

static gboolean
no_look (const ScopeKey *peer, ScopeKexStats *stats, gpointer data)
{
  return FALSE;
}

static ScopeKex *
machine (void)
{
  ScopeKexOps ops = kex_fake_ops;
  const ScopeKey own = { { OWN } };
  ScopeKex *kex;

  ops.look = no_look;
  kex = scope_kex_new (&ops, NULL, NETWORK, &own, SCOPE_KEX_EPOCH_SECONDS);
  scope_kex_set_offset (kex, OFFSET);
  return kex;
}

static void
drain (ScopeKex *kex)
{
  ScopeKexAction *action;

  while ((action = scope_kex_pop (kex)))
    scope_kex_action_free (action);
}

static void
try_file (const char *text, gsize len)
{
  g_autoptr (ScopeKex) kex = machine ();
  g_autoptr (ScopeKex) again = machine ();
  g_autoptr (GError) error = NULL;
  g_autofree char *saved = NULL;

  if (!scope_kex_load (kex, NOW, text, len, &error))
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      /* it is as it was: it can be used, and takes a good file */
      saved = scope_kex_save (kex);
      g_assert_true (scope_kex_load (kex, NOW, saved, strlen (saved), NULL));
      return;
    }
  saved = scope_kex_save (kex);
  g_assert_true (scope_kex_load (again, NOW, saved, strlen (saved), &error));
  g_assert_no_error (error);
  /* a life with it */
  for (guint i = 0; i < 4; i++)
    {
      const ScopeKey peer = { { OWN + 1 } };

      scope_kex_tick (kex, NOW + i * 20000);
      drain (kex);
      if (i == 1)
        scope_kex_peer_online (kex, NOW + i * 20000, &peer, TRUE);
    }
  scope_kex_rotate (kex, NOW + 100000, TRUE);
  drain (kex);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) body = scope_json_parse_object ((const char *) data, size, SCOPE_JWS_MAX_BYTES, NULL);

  if (body)
    for (guint type = 0; scope_kex_message_name (type); type++)
      try_message (scope_kex_message_name (type), body);
  try_file ((const char *) data, size);
  return 0;
}
