/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-prober.h"

#include <string.h>

#define PAD_MAX (16 * 1024)
#define N_MASK G_GINT64_CONSTANT (0xfffffffff) /* well within what JSON carries everywhere (2^53) */

/* @n: 0 for a free place */
typedef struct {
  gint64 n;
  gint64 sent;
  guint size;
  gboolean echoed;
} Probe;

/* @since: what was sent before does not count as lost */
typedef struct {
  Probe probes[SCOPE_PROBER_WINDOW]; /* the oldest is overwritten */
  guint at;
  gint64 samples[SCOPE_PROBER_SAMPLES];
  guint n_samples; /* ever */
  gint64 since;
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

void
scope_prober_probe (ScopeProber *self, const ScopeKey *to, guint size, gint64 now)
{
  Peer *peer = g_hash_table_lookup (self->peers, to);
  g_autoptr (GString) text = g_string_new (NULL);

  if (!peer)
    {
      peer = g_new0 (Peer, 1);
      g_hash_table_insert (self->peers, g_memdup2 (to, sizeof *to), peer);
    }
  self->n = (self->n + 1) & N_MASK;
  self->n += self->n == 0;
  peer->probes[peer->at++ % SCOPE_PROBER_WINDOW] = (Probe){ .n = self->n, .sent = now, .size = size };

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

  for (guint i = 0; peer && i < SCOPE_PROBER_WINDOW; i++)
    {
      Probe *probe = &peer->probes[i];
      gint64 usec = now - probe->sent;

      if (probe->n != n || probe->echoed || usec >= SCOPE_PROBER_LOST_USEC)
        continue;
      probe->echoed = TRUE;
      /* One with a pad takes longer where the link is slow. */
      if (!probe->size)
        peer->samples[peer->n_samples++ % SCOPE_PROBER_SAMPLES] = usec;
      self->calls->echo (from, usec, probe->size, self->data);
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
scope_prober_loss (const ScopeProber *self, const ScopeKey *key, gint64 now)
{
  const Peer *peer = g_hash_table_lookup (self->peers, key);
  gint64 late = MAX (SCOPE_PROBER_LATE_USEC, 4 * scope_prober_rtt (self, key));
  guint n = 0, lost = 0;

  for (guint i = 0; peer && i < SCOPE_PROBER_WINDOW; i++)
    {
      const Probe *probe = &peer->probes[i];
      gint64 age = now - probe->sent;

      if (!probe->n || probe->size || probe->sent < peer->since || age >= SCOPE_PROBER_OLD_USEC ||
          (!probe->echoed && age < late))
        continue;
      n++;
      lost += !probe->echoed;
    }
  return n < SCOPE_PROBER_LOSS_MIN ? 0 : (lost * 100 + n / 2) / n;
}

void
scope_prober_restart (ScopeProber *self, const ScopeKey *key, gint64 now)
{
  Peer *peer = g_hash_table_lookup (self->peers, key);

  if (peer)
    peer->since = now;
}

void
scope_prober_forget (ScopeProber *self, const ScopeKey *peer)
{
  g_hash_table_remove (self->peers, peer);
}
