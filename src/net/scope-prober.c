/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-prober.h"

#include <string.h>

#define PAD_MAX (16 * 1024)
#define N_MASK G_GINT64_CONSTANT (0xfffffffff) /* well within what JSON carries everywhere (2^53) */

typedef struct {
  gint64 n; /* 0 for a free place */
  gint64 sent;
  guint size;
} Outstanding;

typedef struct {
  Outstanding out[SCOPE_PROBER_OUTSTANDING]; /* the oldest is overwritten */
  guint at;
  gint64 samples[SCOPE_PROBER_SAMPLES];
  guint n_samples; /* ever */
  guint lost;      /* since the last echo */
  guint lost_ever;
} Peer;

struct _ScopeProber {
  const ScopeProberCalls *calls;
  gpointer data;
  GHashTable *peers; /* ScopeKey → Peer */
  gint64 n;
};

ScopeProber *
scope_prober_new (const ScopeProberCalls *calls, gpointer data)
{
  ScopeProber *self = g_new0 (ScopeProber, 1);

  self->calls = calls;
  self->data = data;
  self->peers = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  /* An echo of a probe that an earlier process has sent must not count. */
  self->n = (gint64) g_random_int () << 4;
  return self;
}

void
scope_prober_free (ScopeProber *self)
{
  g_hash_table_unref (self->peers);
  g_free (self);
}

static void
lose (Peer *peer, Outstanding *out)
{
  out->n = 0;
  peer->lost++;
  peer->lost_ever++;
}

static void
lose_old (Peer *peer, gint64 now)
{
  for (guint i = 0; i < SCOPE_PROBER_OUTSTANDING; i++)
    if (peer->out[i].n && now - peer->out[i].sent >= SCOPE_PROBER_LOST_USEC)
      lose (peer, &peer->out[i]);
}

void
scope_prober_probe (ScopeProber *self, const ScopeKey *to, guint size, gint64 now)
{
  Peer *peer = g_hash_table_lookup (self->peers, to);
  g_autoptr (GString) text = g_string_new (NULL);
  Outstanding *out;

  if (!peer)
    {
      peer = g_new0 (Peer, 1);
      g_hash_table_insert (self->peers, g_memdup2 (to, sizeof *to), peer);
    }
  lose_old (peer, now);
  out = &peer->out[peer->at++ % SCOPE_PROBER_OUTSTANDING];
  if (out->n)
    lose (peer, out);
  self->n = (self->n + 1) & N_MASK;
  self->n += self->n == 0;
  *out = (Outstanding){ .n = self->n, .sent = now, .size = size };

  g_string_printf (text, "{\"t\":\"probe\",\"d\":{\"n\":%" G_GINT64_FORMAT, self->n);
  if (size)
    {
      const gsize rest = strlen (",\"pad\":\"\"}}");
      gsize n = MIN (size, PAD_MAX);

      g_string_append (text, ",\"pad\":\"");
      while (text->len + rest - strlen (",\"pad\":\"") < n)
        g_string_append_c (text, 'x');
      g_string_append_c (text, '"');
    }
  g_string_append (text, "}}");
  self->calls->send (to, text->str, text->len, self->data);
}

static void
take_echo (ScopeProber *self, const ScopeKey *from, gint64 n, gint64 now)
{
  Peer *peer = g_hash_table_lookup (self->peers, from);

  for (guint i = 0; peer && i < SCOPE_PROBER_OUTSTANDING; i++)
    if (peer->out[i].n == n)
      {
        gint64 usec = now - peer->out[i].sent;
        guint size = peer->out[i].size;

        peer->out[i].n = 0;
        peer->lost = 0;
        /* One with a pad takes longer where the link is slow. */
        if (!size)
          peer->samples[peer->n_samples++ % SCOPE_PROBER_SAMPLES] = usec;
        self->calls->echo (from, usec, size, self->data);
        return;
      }
}

static gboolean
get_n (JsonObject *message, gint64 *n)
{
  JsonNode *node = json_object_get_member (message, "n");

  if (!node || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *n = json_node_get_int (node);
  return *n > 0;
}

gboolean
scope_prober_take (ScopeProber *self, const ScopeKey *from, const char *type, JsonObject *message, gint64 now)
{
  gboolean probe = g_str_equal (type, "probe");
  gint64 n;

  if (!probe && !g_str_equal (type, "echo"))
    return FALSE;
  if (get_n (message, &n) && probe)
    {
      g_autofree char *text = g_strdup_printf ("{\"t\":\"echo\",\"d\":{\"n\":%" G_GINT64_FORMAT "}}", n);
      self->calls->send (from, text, strlen (text), self->data);
    }
  else if (!probe && get_n (message, &n))
    take_echo (self, from, n, now);
  return TRUE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

gint64
scope_prober_rtt (const ScopeProber *self, const ScopeKey *key)
{
  const Peer *peer = g_hash_table_lookup (self->peers, key);
  gint64 sorted[SCOPE_PROBER_SAMPLES];
  guint n;

  if (!peer || peer->n_samples == 0)
    return -1;
  n = MIN (peer->n_samples, SCOPE_PROBER_SAMPLES);
  memcpy (sorted, peer->samples, sizeof sorted);
  qsort (sorted, n, sizeof *sorted, compare);
  return sorted[(n - 1) / 2];
}

guint
scope_prober_lost (const ScopeProber *self, const ScopeKey *key, guint *ever, gint64 now)
{
  Peer *peer = g_hash_table_lookup (self->peers, key);

  if (peer)
    lose_old (peer, now);
  if (ever)
    *ever = peer ? peer->lost_ever : 0;
  return peer ? peer->lost : 0;
}

void
scope_prober_forget (ScopeProber *self, const ScopeKey *peer)
{
  g_hash_table_remove (self->peers, peer);
}
