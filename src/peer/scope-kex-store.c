/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

#define MAGIC "scope-keys"
#define VERSION 1
#define MAX_PAIRS 16384

/* More than anybody says between two saves, so that nothing we say after a crash looks like a replay. */
#define SENT_LEAP (1 << 20)

static void
append_held (GString *out, const Held *held, gboolean current)
{
  char preshared[SCOPE_KEY_BASE64_LEN + 1], confirm[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey as_key;

  memcpy (as_key.bytes, held->keys.confirm, sizeof as_key.bytes);
  g_string_append_printf (out,
                          "{\"epoch\":%" G_GUINT64_FORMAT ",\"preshared\":\"%s\",\"confirm\":\"%s\",\"created\":%"
                          G_GINT64_FORMAT ",\"heard\":%" G_GUINT64_FORMAT ",\"confirmed\":%s,\"failed\":%s,\"current\":%s}",
                          held->epoch, scope_key_to_base64 (&held->keys.preshared, preshared),
                          scope_key_to_base64 (&as_key, confirm), held->created, held->heard,
                          held->confirmed ? "true" : "false", held->failed ? "true" : "false",
                          current ? "true" : "false");
  scope_kex_wipe (&as_key, sizeof as_key);
  scope_kex_wipe (preshared, sizeof preshared);
  scope_kex_wipe (confirm, sizeof confirm);
}

/* Who comes back within an epoch is not sent again what the others broadcast at its beginning. */
static void
append_kem (GString *out, const Pair *pair)
{
  char text[SCOPE_BASE64_CHARS (SCOPE_KEM_PUBLIC_LEN) + 1];

  g_string_append_printf (out, ",\"kem\":{\"epoch\":%" G_GUINT64_FORMAT ",\"issued\":%" G_GINT64_FORMAT ",\"key\":\"%s\"}",
                          pair->kem_epoch, pair->kem_issued, scope_base64url_encode (pair->kem, sizeof pair->kem, text));
}

char *
scope_kex_save (ScopeKex *kex)
{
  /* Never moved while it grows: a copy that is left behind would not be overwritten. */
  GString *out = g_string_sized_new (256 + (gsize) kex->list->len * (128 + (MAX_HELD + 1) * 320 + 2 * SCOPE_KEM_PUBLIC_LEN));
  char text[SCOPE_KEY_BASE64_LEN + 1];
  gboolean comma = FALSE;

  g_string_append_printf (out, "{\"" MAGIC "\":%d,\"network\":", VERSION);
  scope_json_append_string (out, kex->network);
  g_string_append_printf (out, ",\"own\":\"%s\",\"epochSeconds\":%u,\"peers\":[", scope_key_to_base64 (&kex->own, text),
                          kex->epoch_seconds);
  for (guint i = 0; i < kex->list->len; i++)
    {
      Pair *pair = g_ptr_array_index (kex->list, i);
      gboolean inner = FALSE;

      if (!pair->current)
        continue;
      g_string_append_printf (out, "%s{\"key\":\"%s\",\"sent\":%" G_GUINT64_FORMAT ",\"keys\":[", comma ? "," : "",
                              scope_key_to_base64 (&pair->key, text), pair->sent);
      for (guint j = 0; j < pair->held->len; j++)
        {
          Held *held = g_ptr_array_index (pair->held, j);

          /* What is not in use yet is made anew. */
          if (held == pair->next)
            continue;
          if (inner)
            g_string_append_c (out, ',');
          append_held (out, held, held == pair->current);
          inner = TRUE;
        }
      g_string_append_c (out, ']');
      if (pair->has_kem)
        append_kem (out, pair);
      g_string_append_c (out, '}');
      comma = TRUE;
    }
  g_string_append (out, "]}\n");
  return g_string_free (out, FALSE);
}

G_GNUC_PRINTF (2, 3)
static gboolean
wrong (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, text);
  return FALSE;
}

static gboolean
get_number (JsonObject *object, const char *field, guint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, field);

  if (!node || json_node_get_value_type (node) != G_TYPE_INT64 || json_node_get_int (node) < 0 ||
      (guint64) json_node_get_int (node) > SCOPE_KEX_MESSAGE_MAX_NUMBER)
    return wrong (error, "%s: missing, or not a number", field);
  *value = json_node_get_int (node);
  return TRUE;
}

static gboolean
get_flag (JsonObject *object, const char *field)
{
  JsonNode *node = json_object_get_member (object, field);

  return node && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

static JsonArray *
get_array (JsonObject *object, const char *field, guint max, GError **error)
{
  JsonNode *node = json_object_get_member (object, field);

  if (!node || !JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) > max)
    {
      wrong (error, "%s: missing, not a list, or more than %u", field, max);
      return NULL;
    }
  return json_node_get_array (node);
}

static JsonObject *
get_object (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gboolean
load_held (Pair *pair, gint64 now, JsonObject *object, GError **error)
{
  g_auto (PairKeys) keys = { 0 };
  ScopeKey confirm;
  guint64 epoch, created, heard;
  Held *held;

  if (!object || !scope_key_parse (&keys.preshared, scope_json_get_string (object, "preshared")) ||
      !scope_key_parse (&confirm, scope_json_get_string (object, "confirm")))
    return wrong (error, "peers.keys: preshared or confirm: missing, or not a key");
  memcpy (keys.confirm, confirm.bytes, sizeof keys.confirm);
  scope_key_clear (&confirm);
  if (!get_number (object, "epoch", &epoch, error) || !get_number (object, "created", &created, error) ||
      !get_number (object, "heard", &heard, error))
    return FALSE;
  if (kex_registry_ms (pair->kex, now) - (gint64) created > SCOPE_KEX_MAX_AGE_MS)
    return TRUE;
  held = held_new (pair, now, epoch, &keys);
  held->created = created;
  held->heard = heard;
  held->confirmed = get_flag (object, "confirmed");
  held->failed = get_flag (object, "failed");
  held->common = TRUE;
  g_ptr_array_add (pair->held, held);
  if (get_flag (object, "current"))
    pair->current = held;
  return TRUE;
}

static gboolean
load_kem (Pair *pair, JsonObject *object, GError **error)
{
  const char *text = scope_json_get_string (object, "key");
  guint64 issued;

  if (!get_number (object, "epoch", &pair->kem_epoch, error) || !get_number (object, "issued", &issued, error))
    return FALSE;
  if (!text || !scope_base64url_decode_exact (text, pair->kem, sizeof pair->kem))
    return wrong (error, "peers.kem.key: missing, or not a key");
  pair->kem_issued = issued;
  pair->has_kem = TRUE;
  kex_digest (pair->kex, pair->kem, sizeof pair->kem, pair->kem_digest);
  return TRUE;
}

static gboolean
load_pair (ScopeKex *kex, gint64 now, JsonObject *object, GError **error)
{
  ScopeKey key;
  JsonArray *array;
  Pair *pair;

  if (!object || !scope_key_parse (&key, scope_json_get_string (object, "key")) || scope_key_equal (&key, &kex->own))
    return wrong (error, "peers.key: missing, or not a peer's");
  array = get_array (object, "keys", MAX_HELD + 1, error);
  if (!array)
    return FALSE;
  pair = kex_pair (kex, &key);
  if (pair->held->len > 0)
    return wrong (error, "peers.key: one of them twice");
  if (!get_number (object, "sent", &pair->sent, error))
    return FALSE;
  pair->sent = MIN (pair->sent + SENT_LEAP, SCOPE_KEX_MESSAGE_MAX_NUMBER);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!load_held (pair, now, get_object (array, i), error))
      return FALSE;
  if (json_object_has_member (object, "kem"))
    {
      JsonNode *kem = json_object_get_member (object, "kem");

      if (!JSON_NODE_HOLDS_OBJECT (kem))
        return wrong (error, "peers.kem: not an object");
      if (!load_kem (pair, json_node_get_object (kem), error))
        return FALSE;
    }
  if (!pair->current && pair->held->len > 0)
    pair->current = g_ptr_array_index (pair->held, 0);
  if (pair->current)
    {
      pair->stage = CURRENT_VERIFY;
      pair->installed = now;
      pair->current->confirmed = FALSE;
      pair_prune (pair, now);
    }
  return TRUE;
}

gboolean
scope_kex_load (ScopeKex *kex, gint64 now, const char *text, gsize len, GError **error)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, len, SCOPE_KEX_STORE_MAX_BYTES, error);
  JsonArray *array;
  guint64 version, epoch_seconds = kex->epoch_seconds;
  ScopeKey own;

  g_return_val_if_fail (kex->list->len == 0, FALSE);
  if (!object || !get_number (object, MAGIC, &version, error))
    return FALSE;
  if (version != VERSION)
    return wrong (error, MAGIC ": not %d", VERSION);
  if (g_strcmp0 (scope_json_get_string (object, "network"), kex->network) != 0)
    return wrong (error, "network: not %s", kex->network);
  if (!scope_key_parse (&own, scope_json_get_string (object, "own")) || !scope_key_equal (&own, &kex->own))
    return wrong (error, "own: not our key");
  if (json_object_has_member (object, "epochSeconds") && !get_number (object, "epochSeconds", &epoch_seconds, error))
    return FALSE;
  array = get_array (object, "peers", MAX_PAIRS, error);
  if (!array)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!load_pair (kex, now, get_object (array, i), error))
      {
        g_hash_table_remove_all (kex->pairs);
        g_ptr_array_set_size (kex->list, 0);
        return FALSE;
      }
  scope_kex_set_epoch_seconds (kex, CLAMP (epoch_seconds, 1, G_MAXUINT));
  return TRUE;
}
