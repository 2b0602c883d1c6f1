/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-stun-limit.h"

#include <string.h>

typedef struct {
  gint64 stamp; /* when @tokens was right; 0 for a slot that nobody has used */
  float tokens;
} Slot;

struct _ScopeStunLimit {
  guint32 seed;
  Slot slots[SCOPE_STUN_LIMIT_SLOTS];
};

ScopeStunLimit *
scope_stun_limit_new (guint32 seed)
{
  ScopeStunLimit *limit = g_new0 (ScopeStunLimit, 1);

  limit->seed = seed;
  return limit;
}

void
scope_stun_limit_free (ScopeStunLimit *limit)
{
  g_free (limit);
}

/* FNV-1a, and a last round that lets every bit count. */
static Slot *
find (ScopeStunLimit *limit, const ScopeSockaddr *from)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  const guint8 *bytes = from->any.sa_family == AF_INET ? (const guint8 *) &from->in.sin_addr
                                                       : (const guint8 *) &from->in6.sin6_addr;
  gsize len = from->any.sa_family == AF_INET ? 4 : 8;
  guint32 hash = 2166136261u ^ limit->seed;

  if (len == 8 && memcmp (bytes, mapped, sizeof mapped) == 0)
    {
      bytes += sizeof mapped;
      len = 4;
    }
  for (gsize i = 0; i < len; i++)
    hash = (hash ^ bytes[i]) * 16777619u;
  hash = (hash ^ hash >> 15) * 0x2c1b3c6du ^ limit->seed;
  return &limit->slots[(hash ^ hash >> 16) % SCOPE_STUN_LIMIT_SLOTS];
}

gboolean
scope_stun_limit_take (ScopeStunLimit *limit, const ScopeSockaddr *from, gint64 now)
{
  Slot *slot = find (limit, from);
  float fill = (float) (now - slot->stamp) * SCOPE_STUN_LIMIT_RATE / G_USEC_PER_SEC;

  slot->tokens = slot->stamp ? MIN (SCOPE_STUN_LIMIT_BURST, slot->tokens + fill) : SCOPE_STUN_LIMIT_BURST;
  slot->stamp = now;
  if (slot->tokens < 1)
    return FALSE;
  slot->tokens--;
  return TRUE;
}
