/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path/scope-table.h"

#include <string.h>

/* What one end says. @at: when, 0 for never; @fresh: since the last sample */
typedef struct {
  gint64 at;
  gboolean fresh;
  guint ms;
  guint loss;
} Half;

/* Samples that are all better, or all worse, than what the table says. @direction: 0: there is no such run */
typedef struct {
  gint64 since;
  guint total, same;
  int direction;
  guint ms; /* moving average */
} Run;

/**
 * Link:
 * @half: of the relay with the lower place, and the other one
 * @up: it is there; @since: when it came
 * @good: since when both ends say that it works; 0 when they do not
 * @lossy: it works, but loses too much; @turned: since when the loss speaks for the contrary
 * @hold: how long it has to be good before it is there again; @lost: when it was lost, 0 for never
 * @ms: damped; @committed: as it is in the table, 0 when it is not there
 * @pending: what scope_table_pending() counts it as
 */
typedef struct {
  Half half[2];
  gboolean up;
  gboolean lossy;
  gint64 since;
  gint64 good;
  gint64 turned;
  gint64 hold;
  gint64 lost;
  guint ms;
  guint committed;
  guint pending;
  Run run;
} Link;

typedef struct {
  ScopeKey key;
  gboolean there;
} Place;

/**
 * ScopeTable:
 * @places: (element-type Place): relays; one who left makes room for the next
 * @index: key → place + 1
 * @links: of places i < j at j (j - 1) / 2 + i, so it only grows at its end; NULL where nothing was reported
 * @count: links that are there
 * @left: the table has links of somebody who left
 */
struct _ScopeTable {
  GArray *places;
  GHashTable *index;
  GPtrArray *links;
  guint count;
  guint pending[SCOPE_TABLE_CHANGED + 1];
  gboolean left;
};

ScopeTable *
scope_table_new (void)
{
  ScopeTable *table = g_new0 (ScopeTable, 1);

  table->places = g_array_new (FALSE, TRUE, sizeof (Place));
  table->index = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  table->links = g_ptr_array_new_with_free_func (g_free);
  return table;
}

void
scope_table_free (ScopeTable *table)
{
  g_array_unref (table->places);
  g_hash_table_unref (table->index);
  g_ptr_array_unref (table->links);
  g_free (table);
}

guint
scope_table_cost (guint ms, guint loss)
{
  guint rest = 100 - MIN (loss, 99);
  guint64 cost = (guint64) ms * 100 * 100 / (rest * rest);

  return CLAMP (cost, 1, SCOPE_TABLE_MAX_MSEC);
}

/* Places */

static gboolean
find (const ScopeTable *table, const ScopeKey *relay, guint *place)
{
  *place = GPOINTER_TO_UINT (g_hash_table_lookup (table->index, relay)) - 1;
  return *place != G_MAXUINT;
}

static Link **
slot (const ScopeTable *table, guint a, guint b)
{
  guint low = MIN (a, b), high = MAX (a, b);

  return (Link **) &table->links->pdata[high * (high - 1) / 2 + low];
}

gboolean
scope_table_has (const ScopeTable *table, const ScopeKey *relay)
{
  return g_hash_table_contains (table->index, relay);
}

guint
scope_table_size (const ScopeTable *table)
{
  return g_hash_table_size (table->index);
}

static void
classify (ScopeTable *table, Link *link)
{
  guint now = link->up ? link->ms : 0;
  guint pending = now == link->committed ? 0 : !now ? SCOPE_TABLE_LOST : !link->committed ? SCOPE_TABLE_NEW : SCOPE_TABLE_CHANGED;

  table->pending[link->pending]--;
  link->pending = pending;
  table->pending[pending]++;
}

static void
drop (ScopeTable *table, Link **link)
{
  table->pending[(*link)->pending]--;
  table->count--;
  g_clear_pointer (link, g_free);
}

gboolean
scope_table_join (ScopeTable *table, const ScopeKey *relay)
{
  guint place = 0;

  scope_table_leave (table, relay);
  while (place < table->places->len && g_array_index (table->places, Place, place).there)
    place++;
  if (place == SCOPE_TABLE_MAX_RELAYS)
    return FALSE;
  if (place == table->places->len)
    {
      g_array_set_size (table->places, place + 1);
      g_ptr_array_set_size (table->links, (place + 1) * place / 2);
    }
  g_array_index (table->places, Place, place) = (Place) { *relay, TRUE };
  g_hash_table_insert (table->index, g_memdup2 (relay, sizeof *relay), GUINT_TO_POINTER (place + 1));
  return TRUE;
}

void
scope_table_leave (ScopeTable *table, const ScopeKey *relay)
{
  guint place;

  if (!find (table, relay, &place))
    return;
  for (guint i = 0; i < table->places->len; i++)
    {
      Link **link = i == place ? NULL : slot (table, i, place);

      if (!link || !*link)
        continue;
      table->left |= (*link)->committed != 0;
      drop (table, link);
    }
  g_array_index (table->places, Place, place).there = FALSE;
  g_hash_table_remove (table->index, relay);
}

/* Samples */

static guint
cost_of (const Link *link)
{
  guint ms = MAX (link->half[0].ms, link->half[1].ms), loss = MAX (link->half[0].loss, link->half[1].loss);

  return scope_table_cost (ms, loss);
}

/* Which way it is enough of a change: it would be no use to move a path for less. */
static int
direction (guint from, guint to)
{
  guint step = MAX (SCOPE_TABLE_DAMPED_STEP, from * 15 / 100);

  return to + step <= from ? -1 : to >= from + step ? 1 : 0;
}

static void
damp (Link *link, guint cost, gint64 now)
{
  Run *run = &link->run;
  int way = direction (link->ms, cost);

  if (!run->direction)
    {
      if (way)
        *run = (Run) { now, 1, 1, way, cost };
      return;
    }
  run->total++;
  run->same += way == run->direction;
  run->ms = (run->ms * 3 + cost + 2) / 4;
  if (run->total < SCOPE_TABLE_DAMPED_SAMPLES)
    return;
  if (run->same * 100 < run->total * 80)
    memset (run, 0, sizeof *run);
  else if (now - run->since >= SCOPE_TABLE_DAMPED_MSEC && way == run->direction && direction (link->ms, run->ms) == way)
    {
      link->ms = run->ms;
      memset (run, 0, sizeof *run);
    }
}

static void
note_loss (Link *link, gint64 now)
{
  guint loss = MAX (link->half[0].loss, link->half[1].loss);

  if (link->lossy ? loss >= SCOPE_TABLE_CLEAN : loss < SCOPE_TABLE_LOSSY)
    link->turned = 0;
  else if (!link->turned)
    link->turned = now;
  else if (now - link->turned >= (link->lossy ? SCOPE_TABLE_CLEAN_MSEC : SCOPE_TABLE_LOSSY_MSEC))
    {
      link->lossy = !link->lossy;
      link->turned = 0;
    }
}

/* Links that come and go */

static gboolean
works (const Half *half, gint64 now)
{
  return half->at && now - half->at < SCOPE_TABLE_STALE_MSEC && half->ms != SCOPE_TABLE_DOWN;
}

static void
lose (Link *link, gint64 now)
{
  gboolean again = link->lost && now - link->since < SCOPE_TABLE_HOLD_MAX_MSEC;

  link->up = FALSE;
  link->hold = !again ? 0 : link->hold ? MIN (link->hold * 2, SCOPE_TABLE_HOLD_MAX_MSEC) : SCOPE_TABLE_HOLD_MSEC;
  link->lost = now;
}

static void
settle (ScopeTable *table, Link *link, gint64 now)
{
  if (!works (&link->half[0], now) || !works (&link->half[1], now) || link->lossy)
    {
      link->good = 0;
      if (link->up)
        lose (link, now);
    }
  else if (!link->up)
    {
      if (!link->good)
        link->good = now;
      if (now - link->good >= link->hold)
        {
          link->up = TRUE;
          link->since = now;
          link->ms = cost_of (link);
          memset (&link->run, 0, sizeof link->run);
        }
    }
  classify (table, link);
}

void
scope_table_report (ScopeTable *table, const ScopeKey *from, const ScopeKey *to, guint ms, guint loss, gint64 now)
{
  guint a, b;
  Link **at, *link;
  Half *half;

  if (!find (table, from, &a) || !find (table, to, &b) || a == b)
    return;
  at = slot (table, a, b);
  if (!*at)
    {
      *at = g_new0 (Link, 1);
      table->count++;
      table->pending[0]++;
    }
  link = *at;
  half = &link->half[a > b];
  half->at = now;
  half->ms = ms == SCOPE_TABLE_DOWN ? ms : MIN (ms, SCOPE_TABLE_MAX_MSEC);
  half->loss = MIN (loss, 100);
  half->fresh = TRUE;
  /* A new report of each end: the greater one of a new and an old one would favour what is worse. */
  if (link->half[0].fresh && link->half[1].fresh && works (&link->half[0], now) && works (&link->half[1], now))
    {
      link->half[0].fresh = link->half[1].fresh = FALSE;
      note_loss (link, now);
      if (link->up)
        damp (link, cost_of (link), now);
    }
  settle (table, link, now);
}

void
scope_table_tick (ScopeTable *table, gint64 now)
{
  for (guint i = 0; i < table->links->len; i++)
    {
      Link **at = (Link **) &table->links->pdata[i];
      Link *link = *at;
      gint64 heard;

      if (!link)
        continue;
      settle (table, link, now);
      /* What it was held down for is over by then, too. */
      heard = MAX (link->half[0].at, link->half[1].at);
      if (!link->up && !link->committed && now - heard >= (link->hold ? SCOPE_TABLE_HOLD_MAX_MSEC : SCOPE_TABLE_STALE_MSEC))
        drop (table, at);
    }
}

gboolean
scope_table_is_waiting (const ScopeTable *table)
{
  return table->count > 0;
}

/* The table */

guint
scope_table_pending (const ScopeTable *table)
{
  guint changes = table->left ? SCOPE_TABLE_LOST : 0;

  for (guint bit = SCOPE_TABLE_LOST; bit <= SCOPE_TABLE_CHANGED; bit <<= 1)
    if (table->pending[bit])
      changes |= bit;
  return changes;
}

void
scope_table_commit (ScopeTable *table, guint changes)
{
  if (changes & SCOPE_TABLE_LOST)
    table->left = FALSE;
  for (guint i = 0; i < table->links->len; i++)
    {
      Link *link = table->links->pdata[i];

      if (!link || !(link->pending & changes))
        continue;
      link->committed = link->up ? link->ms : 0;
      classify (table, link);
    }
}

typedef struct {
  ScopeKey key;
  guint place;
} Relay;

static int
compare_relays (gconstpointer a, gconstpointer b)
{
  return scope_key_compare (&((const Relay *) a)->key, &((const Relay *) b)->key);
}

static int
compare_links (gconstpointer a, gconstpointer b)
{
  const ScopeLatency *x = a, *y = b;
  int order = scope_key_compare (&x->a, &y->a);

  return order ? order : scope_key_compare (&x->b, &y->b);
}

static int
compare_msec (gconstpointer a, gconstpointer b)
{
  const ScopeLatency *x = a, *y = b;

  return x->ms != y->ms ? (x->ms < y->ms ? -1 : 1) : compare_links (a, b);
}

void
scope_table_get (const ScopeTable *table, GArray **relays, GArray **links)
{
  g_autoptr (GArray) sorted = g_array_new (FALSE, FALSE, sizeof (Relay));

  *relays = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  *links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));
  for (guint i = 0; i < table->places->len; i++)
    {
      const Place *place = &g_array_index (table->places, Place, i);
      Relay relay = { place->key, i };

      if (place->there)
        g_array_append_val (sorted, relay);
    }
  g_array_sort (sorted, compare_relays);
  for (guint i = 0; i < sorted->len; i++)
    {
      const Relay *a = &g_array_index (sorted, Relay, i);

      g_array_append_val (*relays, a->key);
      for (guint j = i + 1; j < sorted->len; j++)
        {
          const Relay *b = &g_array_index (sorted, Relay, j);
          const Link *link = *slot (table, a->place, b->place);
          ScopeLatency latency = { a->key, b->key, link ? link->committed : 0 };

          if (latency.ms)
            g_array_append_val (*links, latency);
        }
    }
  if ((*links)->len > SCOPE_TABLE_MAX_LINKS)
    {
      g_array_sort (*links, compare_msec);
      g_array_set_size (*links, SCOPE_TABLE_MAX_LINKS);
      g_array_sort (*links, compare_links);
    }
}

guint
scope_table_direct (const ScopeTable *table, const ScopeKey *relay)
{
  guint place, direct = 0;

  if (!find (table, relay, &place))
    return 0;
  for (guint i = 0; i < table->places->len; i++)
    {
      const Link *link = i == place ? NULL : *slot (table, i, place);
      direct += link && link->up;
    }
  return direct;
}

gboolean
scope_table_linked (const ScopeTable *table, const ScopeKey *a, const ScopeKey *b)
{
  guint i, j;

  return find (table, a, &i) && find (table, b, &j) && i != j && *slot (table, i, j) && (*slot (table, i, j))->up;
}
