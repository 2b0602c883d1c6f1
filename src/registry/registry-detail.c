/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-detail.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "path/scope-least.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define FILE_MAX_BYTES (128 * 1024 * 1024)
#define SAVE_SHARE 50 /* writing may take a fiftieth of the time */

typedef struct {
  ScopeKey pub;
  double sum;
  gboolean least_sum;
  ScopeKey least_source;
} Entry;

typedef struct {
  ScopeKey from;
  GArray *entries;
} Report;

struct _RegistryDetail {
  char *network;
  char *file;
  GHashTable *reports; /* Report, by its key */
  guint total;
  guint save_id;
  gint64 save_cost; /* µs */
};

static void
report_free (Report *report)
{
  g_array_unref (report->entries);
  g_free (report);
}

static void
store (RegistryDetail *detail, const ScopeKey *from, GArray *entries)
{
  Report *old = g_hash_table_lookup (detail->reports, from);
  Report *report = g_new (Report, 1);

  report->from = *from;
  report->entries = g_array_ref (entries);
  detail->total += entries->len - (old ? old->entries->len : 0);
  g_hash_table_replace (detail->reports, &report->from, report);
}

/* Reading a report; the same for uploads and for our file */

static gboolean
bad_field (char **field, GError **error, const char *name)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: missing or wrong", name);
  if (field)
    *field = g_strdup (name);
  return FALSE;
}

static gboolean
bad_member (char **field, GError **error, guint i, const char *name)
{
  g_autofree char *full = g_strdup_printf (name ? "peer[%u].%s" : "peer[%u]", i, name);

  return bad_field (field, error, full);
}

/* FALSE when it is there and not a string */
static gboolean
get_text (JsonObject *object, const char *name, const char **text)
{
  *text = scope_json_get_string (object, name);
  return *text || !json_object_has_member (object, name);
}

static gboolean
parse_entry (JsonNode *node, guint i, Entry *entry, gboolean *measured, char **field, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *sum = object ? json_object_get_member (object, "sum") : NULL;
  const char *text;

  memset (entry, 0, sizeof *entry);
  *measured = sum != NULL;
  if (!object)
    return bad_member (field, error, i, NULL);
  text = scope_json_get_string (object, "pub");
  if (!text || !scope_key_parse (&entry->pub, text))
    return bad_member (field, error, i, "pub");

  if (sum)
    {
      GType type = json_node_get_value_type (sum);

      entry->sum = type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (sum) : -1;
      if (!isfinite (entry->sum) || entry->sum < 0 || entry->sum > REGISTRY_DETAIL_MAX_MSEC)
        return bad_member (field, error, i, "sum");
    }

  if (!get_text (object, "mode", &text) || (text && !g_str_equal (text, "direct") && !g_str_equal (text, "leastSum")))
    return bad_member (field, error, i, "mode");
  entry->least_sum = g_strcmp0 (text, "leastSum") == 0;

  /* An upstream, exactly where there is one */
  if (!get_text (object, "leastSource", &text) || (entry->least_sum && (!text || !*text)) ||
      (text && *text && !scope_key_parse (&entry->least_source, text)))
    return bad_member (field, error, i, "leastSource");
  return TRUE;
}

/* @network: leave out who is not listed there; NULL to keep all */
static GArray *
parse_report (JsonObject *object, const RegistryNetwork *network, char **field, GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_autoptr (GHashTable) seen = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  JsonNode *node = json_object_get_member (object, "peer");
  JsonArray *array;

  if (!node || !JSON_NODE_HOLDS_ARRAY (node))
    {
      bad_field (field, error, "peer");
      return NULL;
    }
  array = json_node_get_array (node);
  if (json_array_get_length (array) > SCOPE_ROSTER_MAX_PEERS)
    {
      bad_field (field, error, "peer");
      return NULL;
    }
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      gboolean measured;
      Entry entry;

      if (!parse_entry (json_array_get_element (array, i), i, &entry, &measured, field, error))
        return NULL;
      if (measured && (!network || registry_network_lists (network, &entry.pub)) &&
          g_hash_table_add (seen, g_memdup2 (&entry.pub, sizeof entry.pub)))
        g_array_append_val (entries, entry);
    }
  return g_steal_pointer (&entries);
}

/* The file: {"ifname": NETWORK, "reports": [{"pub": KEY, "peer": […]}, …]} */

static gboolean
load (RegistryDetail *detail, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) root = NULL;
  g_autoptr (GError) why = NULL;
  JsonNode *node;
  gsize len;

  if (!g_file_get_contents (detail->file, &text, &len, &why))
    {
      if (g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  root = scope_json_parse_object (text, len, FILE_MAX_BYTES, error);
  if (!root)
    return FALSE;
  node = json_object_get_member (root, "reports");
  if (!node || !JSON_NODE_HOLDS_ARRAY (node))
    return bad_field (NULL, error, "reports");

  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const char *pub = object ? scope_json_get_string (object, "pub") : NULL;
      g_autoptr (GArray) entries = NULL;
      ScopeKey from;

      if (!pub || !scope_key_parse (&from, pub))
        return bad_field (NULL, error, "reports");
      entries = parse_report (object, NULL, NULL, error);
      if (!entries)
        return FALSE;
      if (detail->total + entries->len <= REGISTRY_DETAIL_MAX_ENTRIES)
        store (detail, &from, entries);
    }
  return TRUE;
}

static void
append_report (GString *out, const Report *report)
{
  char key[SCOPE_KEY_BASE64_LEN + 1], number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (out, "{\"pub\":\"%s\",\"peer\":[", scope_key_to_base64 (&report->from, key));
  for (guint i = 0; i < report->entries->len; i++)
    {
      const Entry *entry = &g_array_index (report->entries, Entry, i);

      g_string_append_printf (out, "%s\n {\"pub\":\"%s\",\"sum\":%s", i ? "," : "",
                              scope_key_to_base64 (&entry->pub, key),
                              g_ascii_formatd (number, sizeof number, "%.10g", entry->sum));
      if (entry->least_sum)
        g_string_append_printf (out, ",\"mode\":\"leastSum\",\"leastSource\":\"%s\"",
                                scope_key_to_base64 (&entry->least_source, key));
      g_string_append_c (out, '}');
    }
  g_string_append (out, "]}");
}

static void
save (RegistryDetail *detail)
{
  g_autoptr (GString) out = g_string_new ("{\"ifname\":");
  g_autoptr (GError) error = NULL;
  gint64 before = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer report;
  gboolean first = TRUE;

  scope_json_append_string (out, detail->network);
  g_string_append (out, ",\"reports\":[");
  g_hash_table_iter_init (&iter, detail->reports);
  while (g_hash_table_iter_next (&iter, NULL, &report))
    {
      g_string_append (out, first ? "\n" : ",\n");
      first = FALSE;
      append_report (out, report);
    }
  g_string_append (out, "]}\n");
  if (!g_file_set_contents_full (detail->file, out->str, out->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_warning ("network %s: measurements are not saved: %s", detail->network, error->message);
  detail->save_cost = g_get_monotonic_time () - before;
}

static gboolean
on_save (gpointer user_data)
{
  RegistryDetail *detail = user_data;

  detail->save_id = 0;
  save (detail);
  return G_SOURCE_REMOVE;
}

RegistryDetail *
registry_detail_new (const char *network, const char *file)
{
  RegistryDetail *detail = g_new0 (RegistryDetail, 1);
  g_autoptr (GError) error = NULL;

  detail->network = g_strdup (network);
  detail->file = g_strdup (file);
  detail->reports = g_hash_table_new_full (scope_key_hash, scope_key_equal, NULL, (GDestroyNotify) report_free);
  if (file && !load (detail, &error))
    {
      g_autofree char *aside = g_strconcat (file, ".broken", NULL);

      g_warning ("%s: %s; set aside as %s", file, error->message, aside);
      if (g_rename (file, aside) != 0)
        g_warning ("%s: %s", aside, g_strerror (errno));
      g_hash_table_remove_all (detail->reports);
      detail->total = 0;
    }
  return detail;
}

void
registry_detail_free (RegistryDetail *detail)
{
  if (detail->save_id)
    {
      g_source_remove (detail->save_id);
      save (detail);
    }
  g_free (detail->network);
  g_free (detail->file);
  g_hash_table_unref (detail->reports);
  g_free (detail);
}

/* Reports of peers that are not listed any more. */
static void
forget_unlisted (RegistryDetail *detail, const RegistryNetwork *network)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, detail->reports);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Report *report = value;

      if (registry_network_lists (network, &report->from))
        continue;
      detail->total -= report->entries->len;
      g_hash_table_iter_remove (&iter);
    }
}

gboolean
registry_detail_put (RegistryDetail *detail, const RegistryNetwork *network, const ScopeKey *reporter, const char *text,
                     gsize len, char **field, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GArray) entries = NULL;
  g_autoptr (GError) why = NULL;
  const char *ifname;
  Report *old;

  object = scope_json_parse_object (text, len, SCOPE_ROSTER_MAX_BYTES, &why);
  if (!object)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s", why->message);
      *field = g_strdup ("");
      return FALSE;
    }
  if (!get_text (object, "ifname", &ifname) || (ifname && !g_str_equal (ifname, detail->network)))
    return bad_field (field, error, "ifname");
  entries = parse_report (object, network, field, error);
  if (!entries)
    return FALSE;

  old = g_hash_table_lookup (detail->reports, reporter);
  if (detail->total - (old ? old->entries->len : 0) + entries->len > REGISTRY_DETAIL_MAX_ENTRIES)
    forget_unlisted (detail, network);
  old = g_hash_table_lookup (detail->reports, reporter);
  if (detail->total - (old ? old->entries->len : 0) + entries->len > REGISTRY_DETAIL_MAX_ENTRIES)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "more than %d measurements", REGISTRY_DETAIL_MAX_ENTRIES);
      return FALSE;
    }
  store (detail, reporter, entries);
  if (detail->file && !detail->save_id)
    detail->save_id = g_timeout_add (MAX (REGISTRY_DETAIL_SAVE_SECONDS * 1000, detail->save_cost * SAVE_SHARE / 1000),
                                     on_save, detail);
  return TRUE;
}

/* As seen from @reporter, which is a relay; or nothing. */
static void
fill_in (const RegistryNetwork *network, const ScopeKey *reporter, const GArray *links)
{
  g_autoptr (GHashTable) ways = scope_least_from (links, reporter);
  char key[SCOPE_KEY_BASE64_LEN + 1];
  GHashTableIter iter;
  gpointer to, value;

  g_hash_table_iter_init (&iter, ways);
  while (g_hash_table_iter_next (&iter, &to, &value))
    {
      ScopeRosterPeer *peer = registry_network_find (network, scope_key_to_base64 (to, key));
      const ScopeLeast *way = value;

      if (!peer)
        continue;
      peer->sum = way->sum;
      peer->least_sum = !scope_key_is_zero (&way->source);
      peer->least_source = way->source;
    }
}

GBytes *
registry_detail_get (RegistryDetail *detail, const RegistryNetwork *network, const ScopeKey *reporter,
                     const GArray *links)
{
  const ScopeRoster *roster = registry_network_get_roster (network);
  const Report *report = g_hash_table_lookup (detail->reports, reporter);
  char key[SCOPE_KEY_BASE64_LEN + 1];
  GString *out;

  if (links && links->len)
    fill_in (network, reporter, links);
  /* The shared roster carries the numbers for as long as it is written. */
  for (guint i = 0; report && i < report->entries->len; i++)
    {
      const Entry *entry = &g_array_index (report->entries, Entry, i);
      ScopeRosterPeer *peer = registry_network_find (network, scope_key_to_base64 (&entry->pub, key));

      if (!peer)
        continue;
      peer->sum = entry->sum;
      peer->least_sum = entry->least_sum;
      peer->least_source = entry->least_source;
    }
  out = scope_roster_format (roster, TRUE);
  for (guint i = 0; i < roster->peers->len; i++)
    ((ScopeRosterPeer *) g_ptr_array_index (roster->peers, i))->sum = -1;
  if (roster->self)
    roster->self->sum = -1;
  return g_string_free_to_bytes (out);
}
