/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-prefix.h"

#include "common/scope-error.h"

#include <arpa/inet.h>
#include <string.h>

static guint
full_len (int family)
{
  return family == AF_INET ? 32 : 128;
}

gboolean
scope_prefix_parse (ScopePrefix *prefix, const char *text)
{
  char host[INET6_ADDRSTRLEN];
  const char *slash = strchr (text, '/');
  gsize n = slash ? (gsize) (slash - text) : strlen (text);

  memset (prefix, 0, sizeof *prefix);
  if (n == 0 || n >= sizeof host)
    return FALSE;
  memcpy (host, text, n);
  host[n] = '\0';

  prefix->family = strchr (host, ':') ? AF_INET6 : AF_INET;
  if (inet_pton (prefix->family, host, prefix->addr) != 1)
    return FALSE;

  guint64 len = full_len (prefix->family);
  if (slash && !g_ascii_string_to_unsigned (slash + 1, 10, 0, len, &len, NULL))
    return FALSE;
  prefix->len = len;
  return TRUE;
}

char *
scope_prefix_format (const ScopePrefix *prefix, char *out)
{
  char host[INET6_ADDRSTRLEN];

  inet_ntop (prefix->family, prefix->addr, host, sizeof host);
  g_snprintf (out, SCOPE_PREFIX_STRLEN, "%s/%u", host, prefix->len);
  return out;
}

char *
scope_prefix_address (const ScopePrefix *prefix)
{
  char host[INET6_ADDRSTRLEN];

  return g_strdup (inet_ntop (prefix->family, prefix->addr, host, sizeof host));
}

GArray *
scope_prefix_parse_list (const char *text, guint max, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  g_auto (GStrv) words = NULL;

  if (g_str_equal (text, "(none)"))
    return g_steal_pointer (&list);

  words = g_strsplit_set (text, ", \t\n;", -1);
  for (char **w = words; *w; w++)
    {
      ScopePrefix prefix;

      if (!**w)
        continue;
      if (!scope_prefix_parse (&prefix, *w))
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                       "“%.60s” is not an address or prefix such as 10.0.0.1/32 or fd00::1/128", *w);
          return NULL;
        }
      if (list->len == max)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "more than %u prefixes", max);
          return NULL;
        }
      g_array_append_val (list, prefix);
    }
  return g_steal_pointer (&list);
}

char *
scope_prefix_format_list (const GArray *prefixes)
{
  GString *s = g_string_new (NULL);
  char buf[SCOPE_PREFIX_STRLEN];

  for (guint i = 0; i < prefixes->len; i++)
    {
      if (i)
        g_string_append_c (s, ',');
      g_string_append (s, scope_prefix_format (&g_array_index (prefixes, ScopePrefix, i), buf));
    }
  return g_string_free (s, FALSE);
}

void
scope_prefix_mask (ScopePrefix *prefix)
{
  guint bytes = full_len (prefix->family) / 8;

  for (guint i = 0; i < bytes; i++)
    {
      int keep = CLAMP ((int) prefix->len - (int) i * 8, 0, 8);
      prefix->addr[i] &= 0xff << (8 - keep);
    }
}

gboolean
scope_prefix_equal (const ScopePrefix *a, const ScopePrefix *b)
{
  return scope_prefix_compare (a, b) == 0;
}

gboolean
scope_prefix_list_equal (const GArray *a, const GArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!scope_prefix_equal (&g_array_index (a, ScopePrefix, i), &g_array_index (b, ScopePrefix, i)))
      return FALSE;
  return TRUE;
}

int
scope_prefix_compare (gconstpointer pa, gconstpointer pb)
{
  const ScopePrefix *a = pa, *b = pb;

  if (a->family != b->family)
    return a->family < b->family ? -1 : 1;
  int c = memcmp (a->addr, b->addr, sizeof a->addr);
  if (c)
    return c;
  return (a->len > b->len) - (a->len < b->len);
}

gboolean
scope_prefix_contains (const ScopePrefix *outer, const ScopePrefix *inner)
{
  ScopePrefix net = *inner, want = *outer;

  if (outer->family != inner->family || outer->len > inner->len)
    return FALSE;
  net.len = outer->len;
  scope_prefix_mask (&net);
  scope_prefix_mask (&want);
  return scope_prefix_equal (&net, &want);
}

guint
scope_prefix_hash (gconstpointer data)
{
  const ScopePrefix *prefix = data;
  guint32 words[4];

  /* The words differ most in their last bytes, which a little-endian machine has in the high bits. */
  memcpy (words, prefix->addr, sizeof words);
  guint32 h = prefix->len + 128u * prefix->family;
  for (int i = 0; i < 4; i++)
    h = (h ^ GUINT32_FROM_BE (words[i])) * 0x9e3779b1u;
  return h ^ (h >> 15);
}

gboolean
scope_prefix_same (gconstpointer a, gconstpointer b)
{
  return scope_prefix_equal (a, b);
}
