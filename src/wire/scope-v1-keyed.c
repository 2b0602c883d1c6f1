/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Members that say something of each of many peers, by WireGuard key: `peers` of a `kex.state`, `observed`, `latency` and `reach`
 * of a report. One reader and one writer; they differ in what stands for each.
 */
#include "common/scope-endpoint.h"
#include "common/scope-json.h"
#include "wire/scope-v1-private.h"

#include <string.h>

#define LOSS_MAX 100

/**
 * ScopeV1Keyed:
 * @name: of the member
 * @max: how many
 * @read: FALSE when the value is wrong; what it gives is the table's
 * @write: appends the value
 * @free: (nullable): of a value
 * @right: what a value should be, after “not ”
 */
struct _ScopeV1Keyed {
  const char *name;
  guint max;
  gboolean (*read) (JsonNode *node, gpointer *value);
  void (*write) (GString *out, gconstpointer value);
  GDestroyNotify free;
  const char *right;
};

gboolean
scope_v1_keyed_read (const ScopeV1Keyed *kind, const ScopeFields *d, GHashTable **table, GError **error)
{
  JsonObject *object = scope_fields_object (d, kind->name, kind->max, error);
  JsonObjectIter iter;
  JsonNode *node;
  const char *name;

  if (!object)
    return FALSE;
  *table = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, kind->free);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    {
      gpointer value;
      ScopeKey key;

      if (!scope_fields_key_text (&key, name))
        return scope_fields_wrong (d, kind->name, error, "a name that is not a WireGuard key");
      if (!kind->read (node, &value))
        return scope_fields_wrong (d, kind->name, error, "%s: not %s", name, kind->right);
      g_hash_table_insert (*table, g_memdup2 (&key, sizeof key), value);
    }
  return TRUE;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return scope_key_compare (*(const ScopeKey *const *) a, *(const ScopeKey *const *) b);
}

/* In their order, so that a message has one text. */
static GPtrArray *
sorted_keys (GHashTable *table)
{
  GPtrArray *keys = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer at;

  if (!table)
    return keys;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &at, NULL))
    g_ptr_array_add (keys, at);
  g_ptr_array_sort (keys, compare_keys);
  return keys;
}

void
scope_v1_keyed_write (const ScopeV1Keyed *kind, GString *out, GHashTable *table)
{
  g_autoptr (GPtrArray) keys = sorted_keys (table);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  scope_fields_put_name (out, kind->name);
  g_string_append_c (out, '{');
  for (guint i = 0; i < keys->len; i++)
    {
      scope_fields_put_name (out, scope_key_to_base64 (keys->pdata[i], text));
      kind->write (out, g_hash_table_lookup (table, keys->pdata[i]));
    }
  g_string_append_c (out, '}');
}

gboolean
scope_v1_read_number (JsonNode *node, gint64 max, guint *value)
{
  gint64 number;

  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  number = json_node_get_int (node);
  if (number < 0 || number > max)
    return FALSE;
  *value = number;
  return TRUE;
}

/* NULL when it is not two elements. */
static JsonArray *
two_of (JsonNode *node)
{
  JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return pair && json_array_get_length (pair) == 2 ? pair : NULL;
}

/* --- peers: [npq, pq] ---------------------------------------------------------------------- */

static gboolean
read_progress (JsonNode *node, gpointer *value)
{
  JsonArray *pair = two_of (node);
  ScopeV1Progress progress;
  guint npq, pq;

  if (!pair || !scope_v1_read_number (json_array_get_element (pair, 0), SCOPE_V1_NPQ_MAX, &npq) ||
      !scope_v1_read_number (json_array_get_element (pair, 1), SCOPE_V1_PQ_MAX, &pq))
    return FALSE;
  progress = (ScopeV1Progress){ .npq = npq, .pq = pq };
  *value = g_memdup2 (&progress, sizeof progress);
  return TRUE;
}

static void
write_progress (GString *out, gconstpointer value)
{
  const ScopeV1Progress *progress = value;

  g_string_append_printf (out, "[%u,%u]", progress->npq, progress->pq);
}

const ScopeV1Keyed scope_v1_states = {
  "peers", SCOPE_V1_MAX_PEERS, read_progress, write_progress, g_free,
  "[0 to " G_STRINGIFY (SCOPE_V1_NPQ_MAX) ", 0 to " G_STRINGIFY (SCOPE_V1_PQ_MAX) "]",
};

/* --- observed: an endpoint ----------------------------------------------------------------- */

static gboolean
read_endpoint (JsonNode *node, gpointer *value)
{
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;

  if (!text || strlen (text) > SCOPE_ENDPOINT_MAX || !scope_endpoint_parse (text, NULL, NULL, NULL))
    return FALSE;
  *value = g_strdup (text);
  return TRUE;
}

static void
write_endpoint (GString *out, gconstpointer value)
{
  scope_json_append_string (out, value);
}

const ScopeV1Keyed scope_v1_observed = { "observed", SCOPE_V1_MAX_PEERS, read_endpoint, write_endpoint, g_free, "an endpoint" };

/* --- latency: [ms or null, loss] ----------------------------------------------------------- */

static gboolean
read_latency (JsonNode *node, gpointer *value)
{
  JsonArray *pair = two_of (node);
  ScopeV1Latency latency = { .ms = SCOPE_V1_UNREACHABLE };

  if (!pair ||
      (!JSON_NODE_HOLDS_NULL (json_array_get_element (pair, 0)) &&
       !scope_v1_read_number (json_array_get_element (pair, 0), SCOPE_V1_MAX_MSEC, &latency.ms)) ||
      !scope_v1_read_number (json_array_get_element (pair, 1), LOSS_MAX, &latency.loss))
    return FALSE;
  *value = g_memdup2 (&latency, sizeof latency);
  return TRUE;
}

static void
write_latency (GString *out, gconstpointer value)
{
  const ScopeV1Latency *latency = value;

  if (latency->ms == SCOPE_V1_UNREACHABLE)
    g_string_append_printf (out, "[null,%u]", latency->loss);
  else
    g_string_append_printf (out, "[%u,%u]", latency->ms, latency->loss);
}

const ScopeV1Keyed scope_v1_latency = {
  "latency", SCOPE_V1_MAX_RELAYS, read_latency, write_latency, g_free,
  "[null or 0 to " G_STRINGIFY (SCOPE_V1_MAX_MSEC) ", 0 to " G_STRINGIFY (LOSS_MAX) "]",
};

/* --- reach: a number, in the pointer itself ------------------------------------------------ */

static gboolean
read_reach (JsonNode *node, gpointer *value)
{
  guint reach;

  if (!scope_v1_read_number (node, SCOPE_V1_REACH_MASTER, &reach))
    return FALSE;
  *value = GUINT_TO_POINTER (reach);
  return TRUE;
}

static void
write_reach (GString *out, gconstpointer value)
{
  g_string_append_printf (out, "%u", GPOINTER_TO_UINT (value));
}

G_STATIC_ASSERT (SCOPE_V1_REACH_MASTER == 2);
const ScopeV1Keyed scope_v1_reach = { "reach", SCOPE_V1_MAX_RELAYS, read_reach, write_reach, NULL, "0 to 2" };
